import { useMemo, useState, type SyntheticEvent } from 'react';
import { Link } from 'react-router';
import { anonymous } from '../api/client';
import type { SignUpMutation } from '../api/generated';
import { graphql } from '../api/graphql';
import { Brand } from '../ui/Brand';
import { Field, SecretOnce } from '../ui/elements';
import { argumentOf, errorAt } from '../ui/errors';
import { ErrorNote } from '../ui/states';
import { useTitle } from '../ui/title';
import { MIN_PASSWORD_LENGTH } from './password';
import { PROVE_EMAIL } from './ProveEmailPage';
import { useSession } from './SessionContext';

export const SIGN_UP = graphql(/* GraphQL */ `
  mutation SignUp($input: SignUpInput!) {
    signUp(input: $input) {
      emailProof
      org {
        id
        name
      }
      apiKey {
        secret
      }
    }
  }
`);

type SignedUp = SignUpMutation;

const FIELDS = ['email', 'password', 'orgName', 'currency', 'timeZone'] as const;
type FieldName = (typeof FIELDS)[number];

function supported(kind: 'currency' | 'timeZone'): string[] {
  const known = Intl.supportedValuesOf(kind);
  return kind === 'timeZone' && !known.includes('UTC') ? ['UTC', ...known] : known;
}

export function SignUpPage() {
  const [values, setValues] = useState<Record<FieldName, string>>(() => ({
    email: '',
    password: '',
    orgName: '',
    currency: 'USD',
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC',
  }));
  const [sandbox, setSandbox] = useState(true);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const [done, setDone] = useState<SignedUp['signUp'] | null>(null);
  const currencies = useMemo(() => supported('currency'), []);
  // Suggestions only: browsers list some zones under old names, and Identity accepts every IANA name.
  const timeZones = useMemo(() => supported('timeZone'), []);
  useTitle('Sign up');

  if (done) return <SignedUpNote done={done} email={values.email} />;

  const submit = async (event: SyntheticEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setFailure(null);
    try {
      const { signUp } = await anonymous(SIGN_UP, { input: { ...values, sandbox } });
      // A local run tells the token of its mail, which then needs no click.
      if (signUp.emailProof !== null) await anonymous(PROVE_EMAIL, { token: signUp.emailProof });
      setDone(signUp);
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };

  const errorOf = (name: FieldName) => errorAt(failure, name);
  const change = (name: FieldName) => (event: { target: { value: string } }) => {
    const { value } = event.target;
    setValues((old) => ({ ...old, [name]: value }));
  };
  const besideField = argumentOf(failure) !== null && FIELDS.some((name) => errorOf(name) !== null);

  return (
    <main className="entry">
      <form className="entry-card" onSubmit={submit} aria-label="Sign up">
        <Brand />
        <h1>Create an org</h1>
        <p className="intro">You become its owner and get its first API key.</p>
        {failure !== null && !besideField ? <ErrorNote error={failure} /> : null}
        <Field label="E-mail" error={errorOf('email')}>
          {(props) => (
            <input
              {...props}
              type="email"
              name="email"
              required
              autoComplete="username"
              value={values.email}
              onChange={change('email')}
            />
          )}
        </Field>
        <Field label="Password" error={errorOf('password')} hint={`At least ${MIN_PASSWORD_LENGTH} characters.`}>
          {(props) => (
            <input
              {...props}
              type="password"
              name="password"
              required
              minLength={MIN_PASSWORD_LENGTH}
              autoComplete="new-password"
              value={values.password}
              onChange={change('password')}
            />
          )}
        </Field>
        <Field label="Name of the org" error={errorOf('orgName')}>
          {(props) => (
            <input
              {...props}
              name="orgName"
              required
              maxLength={100}
              autoComplete="organization"
              value={values.orgName}
              onChange={change('orgName')}
            />
          )}
        </Field>
        <div className="field-row">
          <Field label="Currency" error={errorOf('currency')}>
            {(props) => (
              <select {...props} name="currency" value={values.currency} onChange={change('currency')}>
                {currencies.map((code) => (
                  <option key={code}>{code}</option>
                ))}
              </select>
            )}
          </Field>
          <Field label="Time zone" error={errorOf('timeZone')}>
            {(props) => (
              <>
                <input
                  {...props}
                  name="timeZone"
                  required
                  list="time-zones"
                  autoComplete="off"
                  spellCheck={false}
                  value={values.timeZone}
                  onChange={change('timeZone')}
                />
                <datalist id="time-zones">
                  {timeZones.map((zone) => (
                    <option key={zone} value={zone} />
                  ))}
                </datalist>
              </>
            )}
          </Field>
        </div>
        <label className="check">
          <input type="checkbox" checked={sandbox} onChange={(event) => setSandbox(event.target.checked)} />
          Sandbox <span className="soft">with a test clock, to try billing; a live org has none</span>
        </label>
        <button type="submit" className="button button-primary button-wide" disabled={busy}>
          {busy ? 'Creating …' : 'Create org'}
        </button>
        <p className="entry-other">
          Have an account? <Link to="/sign-in">Sign in</Link>
        </p>
      </form>
    </main>
  );
}

function SignedUpNote({ done, email }: { done: SignedUp['signUp']; email: string }) {
  const { signIn } = useSession();
  return (
    <main className="entry">
      <div className="entry-card">
        <Brand />
        <h1>{done.org.name} is ready</h1>
        {done.emailProof === null ? (
          <p role="status">
            A mail is on its way to {email}: follow its link to confirm the address, then you can sign in.
          </p>
        ) : null}
        <SecretOnce
          secret={done.apiKey.secret}
          note="It is stored hashed and cannot be shown again. It has all scopes: ingest, read and admin."
        />
        <button type="button" className="button button-primary button-wide" onClick={() => signIn('/')}>
          I have stored it: go to sign in
        </button>
      </div>
    </main>
  );
}
