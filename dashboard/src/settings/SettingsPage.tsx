import { useState } from 'react';
import type { FigureStyle, SettingsQuery } from '../api/generated';
import { useChange, useRead } from '../api/hooks';
import { ADDRESS_FIELDS, addressOf, addressValues } from '../customers/CustomerDialog';
import { FormDialog, stated, statedCount, statedInstant } from '../forms/FormDialog';
import { formatDateTime, toLocalField } from '../format/time';
import { useMay, useTimeZone, useViewer } from '../session/Viewer';
import { CLOCK, SET_CLOCK } from '../ui/clock';
import { Card, Fact, Facts, PageHead } from '../ui/elements';
import { ErrorNote, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import { EMBED_ORIGINS, SET_EMBED_ORIGINS, SET_TIMING, SETTINGS, UPDATE_SETTINGS } from './queries';

const FIGURES: readonly { value: FigureStyle; label: string }[] = [
  { value: 'POINT', label: '1,234.56' },
  { value: 'COMMA', label: '1.234,56' },
  { value: 'SPACE', label: '1 234,56' },
  { value: 'APOSTROPHE', label: "1'234.56" },
  { value: 'PLAIN', label: '1234.56' },
];

export function SettingsPage() {
  const { org } = useViewer();
  const isAdmin = useMay('admin');
  const mayBill = useMay('billing');
  const [asking, setAsking] = useState<'seller' | 'timing' | null>(null);
  const result = useRead(SETTINGS, {});
  useTitle('Settings');
  return (
    <>
      <PageHead title="Settings" />
      <Card title="Org">
        <Facts>
          <Fact name="Name">{org.name}</Fact>
          <Fact name="Currency">{org.currency}</Fact>
          <Fact name="Time zone">{org.timeZone}</Fact>
          <Fact name="Kind">{org.sandbox ? 'Sandbox, with a test clock' : 'Live'}</Fact>
        </Facts>
      </Card>
      {org.sandbox ? <ClockCard /> : null}
      <EmbedOriginsCard />
      <Loaded result={result} what="settings">
        {({ invoiceSettings: seller, invoiceTiming: timing }) => (
          <>
            <Card
              title="When invoices are made"
              actions={
                mayBill ? (
                  <button type="button" className="button button-small" onClick={() => setAsking('timing')}>
                    Change
                  </button>
                ) : null
              }
            >
              <Facts>
                <Fact name="Drafted after the period’s end by">
                  {timing.graceMinutes === null ? 'the installation’s default' : `${timing.graceMinutes} minutes`}
                </Fact>
                <Fact name="Finalized after the draft by">
                  {timing.reviewHours === null ? 'hand only' : `${timing.reviewHours} hours`}
                </Fact>
              </Facts>
            </Card>
            <Card
              title="On invoices"
              actions={
                isAdmin ? (
                  <button type="button" className="button button-small" onClick={() => setAsking('seller')}>
                    Change
                  </button>
                ) : null
              }
            >
              <Seller seller={seller} />
            </Card>
            {asking === 'timing' ? <TimingDialog timing={timing} onClose={() => setAsking(null)} /> : null}
            {asking === 'seller' ? <SellerDialog seller={seller} onClose={() => setAsking(null)} /> : null}
          </>
        )}
      </Loaded>
    </>
  );
}

type Seller = SettingsQuery['invoiceSettings'];

function Seller({ seller }: { seller: Seller }) {
  const { address } = seller;
  const lines = address
    ? [
        address.line1,
        address.line2,
        [address.postalCode, address.city].filter(Boolean).join(' '),
        address.region,
        address.country,
      ].filter(Boolean)
    : [];
  return (
    <Facts>
      <Fact name="Legal name">{seller.legalName ?? '–'}</Fact>
      <Fact name="Address">{lines.length > 0 ? lines.map((line) => <div key={line}>{line}</div>) : '–'}</Fact>
      <Fact name="Tax id">{seller.taxId ?? '–'}</Fact>
      <Fact name="E-mail">{seller.email ?? '–'}</Fact>
      <Fact name="Days to pay">{seller.paymentDays ?? '–'}</Fact>
      <Fact name="Figures">{FIGURES.find(({ value }) => value === seller.figures)?.label}</Fact>
      <Fact name="Note">{seller.note ?? '–'}</Fact>
      <Fact name="Footer">{seller.footer ?? '–'}</Fact>
      {seller.logo ? (
        <Fact name="Logo">
          <img
            className="logo"
            src={`data:${seller.logo.contentType};base64,${seller.logo.data}`}
            alt="The logo on invoices"
          />
        </Fact>
      ) : null}
    </Facts>
  );
}

function TimingDialog({ timing, onClose }: { timing: SettingsQuery['invoiceTiming']; onClose: () => void }) {
  const set = useChange(SET_TIMING, onClose);
  return (
    <FormDialog
      title="When invoices are made"
      fields={[
        {
          name: 'graceMinutes',
          label: 'Minutes from a period’s end to its draft',
          kind: 'integer',
          hint: 'So that usage on its way is included. The installation’s default, if you leave it out.',
        },
        {
          name: 'reviewHours',
          label: 'Hours from the draft to its finalization',
          kind: 'integer',
          hint: 'By hand only, if you leave it out.',
        },
      ]}
      initial={{
        graceMinutes: timing.graceMinutes === null ? '' : String(timing.graceMinutes),
        reviewHours: timing.reviewHours === null ? '' : String(timing.reviewHours),
      }}
      submit="Save"
      mutation={set}
      onSubmit={(values) =>
        set.mutate({ graceMinutes: statedCount(values.graceMinutes), reviewHours: statedCount(values.reviewHours) })
      }
      onClose={onClose}
    />
  );
}

/** The API's limit of a logo, in bytes. */
const MAX_LOGO = 262_144;

function SellerDialog({ seller, onClose }: { seller: Seller; onClose: () => void }) {
  const update = useChange(UPDATE_SETTINGS, onClose);
  const [logo, setLogo] = useState<{ data: string | null; problem: string | null } | null>(null);
  const read = async (file: File | undefined) => {
    if (file === undefined || file.size > MAX_LOGO) {
      setLogo(file === undefined ? null : { data: null, problem: 'A logo has at most 256 KB.' });
      return;
    }
    const bytes = new Uint8Array(await file.arrayBuffer());
    setLogo({ data: btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), '')), problem: null });
  };
  return (
    <FormDialog
      title="On invoices"
      fields={[
        { name: 'legalName', label: 'Legal name', maxLength: 200 },
        ...ADDRESS_FIELDS,
        { name: 'taxId', label: 'Tax id', maxLength: 50 },
        { name: 'email', label: 'E-mail', kind: 'email' },
        { name: 'paymentDays', label: 'Days to pay', kind: 'integer' },
        { name: 'figures', label: 'Figures', kind: 'select', options: FIGURES },
        { name: 'accentColor', label: 'Colour', hint: 'Such as #1f4e79.', maxLength: 7 },
        { name: 'note', label: 'Note', kind: 'textarea' },
        { name: 'footer', label: 'Footer', kind: 'textarea' },
      ]}
      initial={{
        legalName: seller.legalName ?? '',
        ...addressValues(seller.address),
        taxId: seller.taxId ?? '',
        email: seller.email ?? '',
        paymentDays: seller.paymentDays === null ? '' : String(seller.paymentDays),
        figures: seller.figures,
        accentColor: seller.accentColor ?? '',
        note: seller.note ?? '',
        footer: seller.footer ?? '',
      }}
      submit="Save"
      mutation={update}
      onSubmit={(values) =>
        update.mutate({
          input: {
            legalName: stated(values.legalName),
            address: addressOf(values),
            taxId: stated(values.taxId),
            email: stated(values.email),
            paymentDays: statedCount(values.paymentDays),
            figures: values.figures as FigureStyle,
            accentColor: stated(values.accentColor),
            note: stated(values.note),
            footer: stated(values.footer),
            ...(logo?.data ? { logo: logo.data } : {}),
          },
        })
      }
      onClose={onClose}
    >
      {() => (
        <div className="field">
          <label htmlFor="seller-logo">Logo</label>
          <input
            id="seller-logo"
            type="file"
            accept="image/png,image/jpeg"
            onChange={(event) => void read(event.target.files?.[0])}
          />
          <p className={logo?.problem ? 'field-error' : 'field-hint'}>
            {logo?.problem ?? 'PNG or JPEG, at most 256 KB.'}
          </p>
        </div>
      )}
    </FormDialog>
  );
}

/** Whose pages may show what is the customers'. */
function EmbedOriginsCard() {
  const isAdmin = useMay('admin');
  const [asking, setAsking] = useState(false);
  const result = useRead(EMBED_ORIGINS, {});
  const set = useChange(SET_EMBED_ORIGINS, () => setAsking(false));
  return (
    <Card
      title="In your product"
      actions={
        isAdmin && result.data ? (
          <button type="button" className="button button-small" onClick={() => setAsking(true)}>
            Change
          </button>
        ) : null
      }
    >
      <p className="intro">
        Pages of these origins may frame the page of a customer, and show its usage and invoices as web components.
      </p>
      <Loaded result={result} what="origins">
        {({ org: { embedOrigins } }) => (
          <>
            {embedOrigins.length === 0 ? (
              <p className="soft">None: only pages that pass requests on through your own server.</p>
            ) : (
              <ul className="plain" aria-label="Origins">
                {embedOrigins.map((origin) => (
                  <li key={origin}>
                    <code className="breakable">{origin}</code>
                  </li>
                ))}
              </ul>
            )}
            {asking ? (
              <FormDialog
                title="Origins of your product"
                fields={[
                  {
                    name: 'origins',
                    label: 'Origins, one a line',
                    kind: 'textarea',
                    hint: 'Such as https://app.example.com: no path, no pattern. At most 20.',
                  },
                ]}
                initial={{ origins: embedOrigins.join('\n') }}
                submit="Save"
                mutation={set}
                onSubmit={({ origins }) => set.mutate({ origins: origins.split(/\s+/).filter(Boolean) })}
                onClose={() => setAsking(false)}
              />
            ) : null}
          </>
        )}
      </Loaded>
    </Card>
  );
}

/** A sandbox org's time: it is moved forward, and what is due then happens. */
function ClockCard() {
  const timeZone = useTimeZone();
  const isAdmin = useMay('admin');
  const result = useRead(CLOCK, {}, { every: 2_000 });
  const [moving, setMoving] = useState(false);
  const set = useChange(SET_CLOCK, () => setMoving(false));
  return (
    <Card
      title="Test clock"
      actions={
        isAdmin ? (
          <>
            <button type="button" className="button button-small" onClick={() => setMoving(true)}>
              Move the clock
            </button>
            {result.data?.clock.frozen ? (
              <button
                type="button"
                className="button button-small"
                disabled={set.isPending}
                onClick={() => set.mutate({ now: null })}
              >
                Back to real time
              </button>
            ) : null}
          </>
        ) : null
      }
    >
      {set.error && !moving ? <ErrorNote error={set.error} /> : null}
      <Loaded result={result} what="the clock">
        {({ clock }) => (
          <>
            <p>
              {clock.frozen ? 'Stopped at ' : 'Real time, '}
              <strong>{formatDateTime(clock.now, timeZone)}</strong>. Everything follows it: periods end, drafts become
              final, credits expire.
            </p>
            {clock.duePeriods > 0 ? (
              <p role="status">
                <progress aria-label="Closing periods" />{' '}
                {clock.duePeriods === 1 ? 'One period is' : `${clock.duePeriods} periods are`} due, and being invoiced.
              </p>
            ) : null}
            {moving ? (
              <FormDialog
                title="Move the test clock"
                intro={<p>Forward only: it cannot go back before what was invoiced.</p>}
                fields={[
                  { name: 'now', label: 'To', kind: 'datetime', required: true, hint: `On the clock of ${timeZone}.` },
                ]}
                initial={{ now: toLocalField(Date.parse(clock.now), timeZone) }}
                submit="Move"
                busy="Moving …"
                mutation={set}
                onSubmit={({ now }) => set.mutate({ now: statedInstant(now, timeZone) })}
                onClose={() => setMoving(false)}
              />
            ) : null}
          </>
        )}
      </Loaded>
    </Card>
  );
}
