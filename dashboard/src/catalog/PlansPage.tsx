import { useEffect, useState } from 'react';
import { Link, useLocation } from 'react-router';
import { useChange, useRead } from '../api/hooks';
import { ConfirmDialog, FormDialog } from '../forms/FormDialog';
import { formatDateTime } from '../format/time';
import { useMay, useTimeZone } from '../session/Viewer';
import { Card, Hash, PageHead, StatusBadge } from '../ui/elements';
import { Menu } from '../ui/Menu';
import { Empty, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import {
  ARCHIVE_PLAN,
  ARCHIVE_PLAN_VERSION,
  METERS,
  PLANS,
  PUBLISH_PLAN_VERSION,
  RENAME_PLAN,
  UNARCHIVE_PLAN,
  type Charge,
  type Meter,
  type Plan,
  type PlanVersion,
} from './queries';
import { spellOutBounds, spellOutMeter, spellOutPrice, spellOutTerms } from './spellOut';

export function PlansPage() {
  const mayChange = useMay('admin');
  const [archived, setArchived] = useState(false);
  const result = useRead(PLANS, { archived });
  const meters = useRead(METERS, { archived: true });
  useTitle('Plans');
  return (
    <>
      <PageHead
        title="Plans"
        intro="A published version never changes; a subscription stays on the version it began with."
      >
        <label className="check">
          <input type="checkbox" checked={archived} onChange={(event) => setArchived(event.target.checked)} />
          Show archived ones
        </label>
        {mayChange ? (
          <Link className="button button-primary" to="/plans/edit">
            Create plan
          </Link>
        ) : null}
      </PageHead>
      <Loaded result={result} what="plans">
        {({ plans }) =>
          plans.length === 0 ? (
            <Card>
              <Empty title="No plans yet">
                <p>A plan says what a customer’s usage costs.</p>
                {mayChange ? (
                  <Link className="button" to="/plans/edit">
                    Create the first plan
                  </Link>
                ) : null}
              </Empty>
            </Card>
          ) : (
            plans.map((plan) => <PlanCard key={plan.id} plan={plan} meters={meters.data?.meters ?? []} />)
          )
        }
      </Loaded>
    </>
  );
}

export function planEditPath(plan: string, version: string): string {
  return `/plans/edit?${new URLSearchParams({ plan, version }).toString()}`;
}

type Asking = 'publish' | 'archive-version' | 'archive' | 'rename' | null;

function PlanCard({ plan, meters }: { plan: Plan; meters: readonly Meter[] }) {
  const { hash } = useLocation();
  const mayChange = useMay('admin');
  const newestFirst = [...plan.versions].sort((a, b) => b.number - a.number);
  const [chosen, setChosen] = useState<string | null>(null);
  const [asking, setAsking] = useState<Asking>(null);
  const close = () => setAsking(null);
  const publish = useChange(PUBLISH_PLAN_VERSION, close);
  const archiveVersion = useChange(ARCHIVE_PLAN_VERSION, close);
  const archive = useChange(ARCHIVE_PLAN, close);
  const unarchive = useChange(UNARCHIVE_PLAN);
  const rename = useChange(RENAME_PLAN, close);
  const version =
    newestFirst.find(({ id }) => id === chosen) ??
    newestFirst.find(({ id }) => id === plan.current?.id) ??
    newestFirst[0];
  const anchor = encodeURIComponent(plan.key);

  useEffect(() => {
    if (hash === `#${anchor}`) document.getElementById(anchor)?.scrollIntoView();
  }, [hash, anchor]);

  return (
    <div id={anchor}>
      <Card
        title={
          <>
            {plan.name} <code className="soft">{plan.key}</code>
            {plan.archivedAt ? <span className="badge">Archived</span> : null}
          </>
        }
        actions={
          <>
            {newestFirst.length > 1 ? (
              <select
                aria-label={`Version of ${plan.name}`}
                value={version?.id}
                onChange={(event) => setChosen(event.target.value)}
              >
                {newestFirst.map(({ id, number, status }) => (
                  <option key={id} value={id}>
                    Version {number} · {id === plan.current?.id ? 'current' : status.toLowerCase()}
                  </option>
                ))}
              </select>
            ) : null}
            {mayChange && version?.status === 'DRAFT' ? (
              <button type="button" className="button button-small button-primary" onClick={() => setAsking('publish')}>
                Publish version {version.number}
              </button>
            ) : null}
            {mayChange && version && !plan.archivedAt ? (
              <Link className="button button-small" to={planEditPath(plan.key, version.id)}>
                New version
              </Link>
            ) : null}
            {version ? (
              <Link
                className="button button-small"
                to={`/plans/compare?${new URLSearchParams({ version: version.id }).toString()}`}
              >
                Compare on past usage
              </Link>
            ) : null}
            {mayChange ? (
              <Menu
                label={`Actions for ${plan.name}`}
                actions={[
                  { label: 'Rename …', onSelect: () => setAsking('rename') },
                  version !== undefined &&
                    version.status !== 'ARCHIVED' &&
                    version.id !== plan.current?.id && {
                      label: `Archive version ${version.number} …`,
                      onSelect: () => setAsking('archive-version'),
                      danger: true,
                    },
                  plan.archivedAt
                    ? { label: 'Take out of the archive', onSelect: () => unarchive.mutate({ key: plan.key }) }
                    : { label: 'Archive the plan …', onSelect: () => setAsking('archive'), danger: true },
                ]}
              />
            ) : null}
          </>
        }
      >
        <p className="intro">Billed every month in {plan.currency}, unless a subscription states another interval.</p>
        {version ? (
          <Version version={version} currency={plan.currency} meters={meters} />
        ) : (
          <Empty title="No version yet" />
        )}
      </Card>
      {asking === 'publish' && version ? (
        <ConfirmDialog
          title={`Publish version ${version.number} of ${plan.name}?`}
          submit="Publish"
          mutation={publish}
          onConfirm={() => publish.mutate({ id: version.id })}
          onClose={close}
        >
          <p>It never changes again. New subscriptions begin with it; those that run stay on their version.</p>
        </ConfirmDialog>
      ) : null}
      {asking === 'archive-version' && version ? (
        <ConfirmDialog
          title={`Archive version ${version.number} of ${plan.name}?`}
          submit="Archive version"
          mutation={archiveVersion}
          onConfirm={() => archiveVersion.mutate({ id: version.id })}
          onClose={close}
        >
          <p>Nothing can begin with it any more. Subscriptions on it go on.</p>
        </ConfirmDialog>
      ) : null}
      {asking === 'archive' ? (
        <ConfirmDialog
          title={`Archive ${plan.name}?`}
          submit="Archive plan"
          mutation={archive}
          onConfirm={() => archive.mutate({ key: plan.key })}
          onClose={close}
        >
          <p>No new subscription, change to it or version. Subscriptions on it go on.</p>
        </ConfirmDialog>
      ) : null}
      {asking === 'rename' ? (
        <FormDialog
          title={`Rename ${plan.name}`}
          fields={[{ name: 'name', label: 'Name', required: true, maxLength: 200 }]}
          initial={{ name: plan.name }}
          submit="Rename"
          mutation={rename}
          onSubmit={({ name }) => rename.mutate({ key: plan.key, name })}
          onClose={close}
        />
      ) : null}
    </div>
  );
}

export function Version({
  version,
  currency,
  meters,
}: {
  version: PlanVersion;
  currency: string;
  meters: readonly Meter[];
}) {
  const timeZone = useTimeZone();
  const terms = spellOutTerms(version.terms, currency);
  return (
    <>
      <p className="version-line">
        <span>Version {version.number}</span> <StatusBadge status={version.status} />
        {version.publishedAt ? (
          <span className="soft">since {formatDateTime(version.publishedAt, timeZone)}</span>
        ) : null}
        <Hash value={version.hash} name={`the hash of version ${version.number}`} />
      </p>
      <ul className="charges">
        {version.charges.map((charge) => (
          <ChargeItem
            key={charge.key}
            charge={charge}
            currency={currency}
            meter={meters.find(({ key }) => key === charge.meter)}
          />
        ))}
        {terms.length > 0 ? (
          <li>
            <div>
              <strong>The invoice as a whole</strong>
              <div className="soft">in this order</div>
            </div>
            <div>
              {terms.map((sentence) => (
                <div key={sentence}>{sentence}</div>
              ))}
            </div>
          </li>
        ) : null}
      </ul>
    </>
  );
}

function ChargeItem({ charge, currency, meter }: { charge: Charge; currency: string; meter: Meter | undefined }) {
  return (
    <li>
      <div>
        <strong>{charge.name}</strong>
        <div className="soft">
          {charge.meter === null ? (
            'fee'
          ) : (
            <>
              meter <code>{charge.meter}</code>
              {meter?.eventFee ? <div>{spellOutMeter(meter)}</div> : null}
            </>
          )}
        </div>
      </div>
      <div>
        <PriceText sentences={spellOutPrice(charge.price, currency)} tiered={charge.price.tiers !== null} />
        {charge.dimensionPrices.map(({ values, price }) => (
          <div key={values.join('\u0000')} className="dimension-price">
            <strong>{values.map((value) => (value === '' ? 'no value' : value)).join(', ')}:</strong>{' '}
            <PriceText sentences={spellOutPrice(price, currency)} tiered={price.tiers !== null} />
          </div>
        ))}
        {charge.dimensionPrices.length > 0 ? <div className="soft">Other values cost the first price.</div> : null}
        {spellOutBounds(charge, currency).map((sentence) => (
          <div key={sentence}>{sentence}</div>
        ))}
      </div>
    </li>
  );
}

export function PriceText({ sentences: [first, ...rest], tiered }: { sentences: string[]; tiered: boolean }) {
  return (
    <>
      {first}
      {tiered ? (
        <ul>
          {rest.map((sentence, index) => (
            <li key={index}>{sentence}</li>
          ))}
        </ul>
      ) : (
        rest.map((sentence, index) => <div key={index}>{sentence}</div>)
      )}
    </>
  );
}
