import { useState } from 'react';
import { renderSVG } from 'uqr';
import { useChange, useRead } from '../api/hooks';
import { FormDialog, ConfirmDialog, stated } from '../forms/FormDialog';
import { MIN_PASSWORD_LENGTH } from '../session/password';
import { useSession } from '../session/SessionContext';
import { useViewer } from '../session/Viewer';
import { Card, CopyButton, Dialog, Fact, Facts, PageHead, Rows } from '../ui/elements';
import { ErrorNote, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import {
  CHANGE_PASSWORD,
  CONFIRM_TWO_FACTOR,
  MEMBERSHIPS,
  SIGN_OUT_EVERYWHERE,
  START_TWO_FACTOR,
  TURN_OFF_TWO_FACTOR,
} from './queries';

type Asking = 'password' | 'two-factor' | 'no-two-factor' | 'everywhere';

/** The signed-in person's own account. */
export function ProfilePage() {
  const viewer = useViewer();
  const [asking, setAsking] = useState<Asking | null>(null);
  const [changed, setChanged] = useState<string | null>(null);
  const memberships = useRead(MEMBERSHIPS, {});
  const { signOut } = useSession();
  const close = () => setAsking(null);
  const said = (text: string) => () => {
    setChanged(text);
    close();
  };
  const password = useChange(CHANGE_PASSWORD, said('Your password is changed. All other sessions have ended.'));
  const off = useChange(TURN_OFF_TWO_FACTOR, said('Signing in asks for your password only.'));
  const everywhere = useChange(SIGN_OUT_EVERYWHERE, () => signOut());
  useTitle('Your account');
  return (
    <>
      <PageHead title="Your account" />
      {changed ? (
        <p className="outcome outcome-same" role="status">
          {changed}
        </p>
      ) : null}
      <Card>
        <Facts>
          <Fact name="E-mail">{viewer.email ?? '–'}</Fact>
          <Fact name="Role">{viewer.role ?? '–'}</Fact>
        </Facts>
      </Card>
      <Card title="Signing in">
        <div className="button-row">
          <button type="button" className="button" onClick={() => setAsking('password')}>
            Change the password
          </button>
          <button type="button" className="button" onClick={() => setAsking('two-factor')}>
            Turn on a second factor
          </button>
          <button type="button" className="button" onClick={() => setAsking('no-two-factor')}>
            Turn it off
          </button>
          <button type="button" className="button button-danger" onClick={() => setAsking('everywhere')}>
            Sign out everywhere
          </button>
        </div>
      </Card>
      <Card title="Your orgs">
        <Loaded result={memberships} what="your orgs">
          {({ memberships: orgs }) => (
            <Rows
              label="Your orgs"
              rows={orgs}
              keyOf={({ orgId }) => orgId}
              columns={[
                {
                  head: 'Org',
                  cell: (one) => (
                    <>
                      {one.orgName} {one.orgId === viewer.org.id ? <span className="badge">this one</span> : null}
                    </>
                  ),
                },
                { head: 'Role', cell: (one) => one.role },
              ]}
            />
          )}
        </Loaded>
      </Card>
      {asking === 'password' ? (
        <FormDialog
          title="Change the password"
          fields={[
            {
              name: 'currentPassword',
              label: 'Password now',
              kind: 'password',
              required: true,
              autoComplete: 'current-password',
            },
            {
              name: 'newPassword',
              label: 'New password',
              kind: 'password',
              required: true,
              minLength: MIN_PASSWORD_LENGTH,
              autoComplete: 'new-password',
              hint: `At least ${MIN_PASSWORD_LENGTH} characters, and not a common one.`,
            },
            {
              name: 'code',
              label: 'Code of the second factor',
              autoComplete: 'one-time-code',
              hint: 'If you have one.',
            },
          ]}
          initial={{ currentPassword: '', newPassword: '', code: '' }}
          submit="Change"
          mutation={password}
          onSubmit={(values) => password.mutate({ ...values, code: stated(values.code) })}
          onClose={close}
        />
      ) : null}
      {asking === 'two-factor' ? (
        <TwoFactorDialog onClose={close} onDone={said('Signing in asks for a code from now on.')} />
      ) : null}
      {asking === 'no-two-factor' ? (
        <FormDialog
          title="Turn off the second factor"
          fields={[
            { name: 'password', label: 'Password', kind: 'password', required: true, autoComplete: 'current-password' },
            {
              name: 'code',
              label: 'Code',
              required: true,
              autoComplete: 'one-time-code',
              hint: 'Of the app, or a recovery code.',
            },
          ]}
          initial={{ password: '', code: '' }}
          submit="Turn off"
          danger
          mutation={off}
          onSubmit={(values) => off.mutate(values)}
          onClose={close}
        />
      ) : null}
      {asking === 'everywhere' ? (
        <ConfirmDialog
          title="Sign out everywhere?"
          submit="Sign out everywhere"
          danger
          mutation={everywhere}
          onConfirm={() => everywhere.mutate({})}
          onClose={close}
        >
          <p>All your sessions end, this one too.</p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}

/** Password, then the secret for an app, then a code that proves it, then the recovery codes, once. */
function TwoFactorDialog({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const start = useChange(START_TWO_FACTOR);
  const confirm = useChange(CONFIRM_TWO_FACTOR);
  const [code, setCode] = useState('');
  const started = start.data?.startTwoFactor;
  const recovery = confirm.data?.confirmTwoFactor;
  if (recovery)
    return (
      <Dialog title="Recovery codes">
        <div className="secret" role="status">
          <p>
            <strong>Store these codes now.</strong> Each signs you in once when you do not have the app.
          </p>
          <ul className="codes">
            {recovery.map((one) => (
              <li key={one}>
                <code>{one}</code>
              </li>
            ))}
          </ul>
          <CopyButton text={recovery.join('\n')} label="Copy the recovery codes" />
        </div>
        <div className="dialog-actions">
          <button type="button" className="button button-primary" onClick={onDone}>
            I have stored them
          </button>
        </div>
      </Dialog>
    );
  if (!started)
    return (
      <FormDialog
        title="Turn on a second factor"
        intro={<p>Signing in then asks for a code of an authenticator app.</p>}
        fields={[
          { name: 'password', label: 'Password', kind: 'password', required: true, autoComplete: 'current-password' },
        ]}
        initial={{ password: '' }}
        submit="Go on"
        mutation={start}
        onSubmit={(values) => start.mutate(values)}
        onClose={onClose}
      />
    );
  return (
    <Dialog title="Turn on a second factor" onClose={onClose}>
      <p>Scan this with the app, or type the secret, then enter the code that the app shows.</p>
      <img
        className="qr"
        alt="QR code of the secret"
        src={`data:image/svg+xml,${encodeURIComponent(renderSVG(started.uri))}`}
      />
      <p className="secret-row">
        <code className="breakable">{started.secret}</code>
        <CopyButton text={started.secret} label="Copy the secret" />
      </p>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          confirm.mutate({ code: code.trim() });
        }}
      >
        {confirm.error ? <ErrorNote error={confirm.error} /> : null}
        <div className="field">
          <label htmlFor="totp">Code</label>
          <input
            id="totp"
            required
            inputMode="numeric"
            autoComplete="one-time-code"
            value={code}
            onChange={(event) => setCode(event.target.value)}
          />
        </div>
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button button-primary" disabled={confirm.isPending}>
            Turn on
          </button>
        </div>
      </form>
    </Dialog>
  );
}
