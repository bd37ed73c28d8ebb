import { useEffect, useState } from 'react';
import { useLocation } from 'react-router';
import { useRead } from '../api/hooks';
import type { Charge, Plan, PlanVersion } from '../api/schema';
import { formatDateTime } from '../format/time';
import { useTimeZone } from '../session/Viewer';
import { Card, Hash, PageHead, StatusBadge } from '../ui/elements';
import { Empty, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import { PLANS } from './queries';
import { spellOutPrice } from './spellOut';

export function PlansPage() {
  const result = useRead<{ plans: Plan[] }>(PLANS);
  useTitle('Plans');
  return (
    <>
      <PageHead
        title="Plans"
        intro="A published version never changes; a subscription stays on the version it began with."
      />
      <Loaded result={result} what="plans">
        {({ plans }) =>
          plans.length === 0 ? (
            <Card>
              <Empty title="No plans yet">
                Create one with the mutation <code>createPlan</code>.
              </Empty>
            </Card>
          ) : (
            plans.map((plan) => <PlanCard key={plan.id} plan={plan} />)
          )
        }
      </Loaded>
    </>
  );
}

function PlanCard({ plan }: { plan: Plan }) {
  const { hash } = useLocation();
  const newestFirst = [...plan.versions].sort((a, b) => b.number - a.number);
  const [chosen, setChosen] = useState<string | null>(null);
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
          </>
        }
        actions={
          newestFirst.length > 1 ? (
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
          ) : null
        }
      >
        <p className="intro">Billed every month in {plan.currency}.</p>
        {version ? <Version version={version} currency={plan.currency} /> : <Empty title="No version yet" />}
      </Card>
    </div>
  );
}

function Version({ version, currency }: { version: PlanVersion; currency: string }) {
  const timeZone = useTimeZone();
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
          <ChargeItem key={charge.key} charge={charge} currency={currency} />
        ))}
      </ul>
    </>
  );
}

function ChargeItem({ charge, currency }: { charge: Charge; currency: string }) {
  const [first, ...rest] = spellOutPrice(charge.price, currency);
  return (
    <li>
      <div>
        <strong>{charge.name}</strong>
        <div className="soft">
          {charge.meter === null ? (
            'flat fee'
          ) : (
            <>
              meter <code>{charge.meter}</code>
            </>
          )}
        </div>
      </div>
      <div>
        {first}
        {charge.price.tiers === null ? (
          rest.map((sentence) => <div key={sentence}>{sentence}</div>)
        ) : (
          <ul>
            {rest.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        )}
      </div>
    </li>
  );
}
