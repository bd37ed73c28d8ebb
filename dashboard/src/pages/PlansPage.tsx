import { useQuery } from '@tanstack/react-query';
import { graphql } from '../api';
import { groupDigits } from '../format';
import { Loaded } from '../Loaded';

export interface Price {
  model: 'FLAT' | 'PER_UNIT' | 'GRADUATED' | 'VOLUME' | 'PACKAGE';
  amount: string | null;
  unitPrice: string | null;
  tiers: { upTo: string | null; unitPrice: string; flatFee: string }[] | null;
  packageSize: string | null;
  packagePrice: string | null;
  freeUnits: string | null;
}

interface PlansData {
  plans: {
    key: string;
    name: string;
    currency: string;
    current: { number: number; charges: { key: string; name: string; meter: string | null; price: Price }[] } | null;
  }[];
  meters: { key: string; name: string; eventType: string; aggregation: string; property: string | null }[];
}

const query = `{
  plans { key name currency current { number charges { key name meter price {
    model amount unitPrice packageSize packagePrice freeUnits tiers { upTo unitPrice flatFee } } } } }
  meters { key name eventType aggregation property }
}`;

/** A price in words. */
export function describePrice(price: Price, currency: string): string {
  const tiers = () =>
    price
      .tiers!.map(
        (tier) =>
          `${tier.upTo ? `up to ${groupDigits(tier.upTo)}` : 'above'}: ${tier.unitPrice}${Number(tier.flatFee) ? ` + ${tier.flatFee}` : ''}`,
      )
      .join('; ');
  switch (price.model) {
    case 'FLAT':
      return `${price.amount} ${currency} a month`;
    case 'PER_UNIT':
      return `${price.unitPrice} ${currency} per unit`;
    case 'GRADUATED':
      return `each unit at its tier's price in ${currency} (${tiers()})`;
    case 'VOLUME':
      return `all units at the reached tier's price in ${currency} (${tiers()})`;
    case 'PACKAGE':
      return `${price.packagePrice} ${currency} per started ${groupDigits(price.packageSize!)}${price.freeUnits ? `, the first ${groupDigits(price.freeUnits)} free` : ''}`;
  }
}

export function PlansPage() {
  const plans = useQuery({ queryKey: ['plans'], queryFn: () => graphql<PlansData>(query) });
  return (
    <>
      <h1>Plans</h1>
      <Loaded query={plans}>
        {(data) => (
          <>
            {data.plans.length === 0 && <p className="soft">No plans yet.</p>}
            {data.plans.map((plan) => (
              <section className="card" key={plan.key}>
                <h2>
                  {plan.name} <small className="soft">{plan.current ? `version ${plan.current.number}` : 'not published'}</small>
                </h2>
                <ul>
                  {plan.current?.charges.map((charge) => (
                    <li key={charge.key}>
                      <strong>{charge.name}</strong>: {describePrice(charge.price, plan.currency)}
                    </li>
                  ))}
                </ul>
              </section>
            ))}
            <h2>Meters</h2>
            <table>
              <thead>
                <tr>
                  <th>Name</th>
                  <th>Counts</th>
                  <th>Over</th>
                </tr>
              </thead>
              <tbody>
                {data.meters.map((meter) => (
                  <tr key={meter.key}>
                    <td>{meter.name}</td>
                    <td>
                      {meter.aggregation.toLowerCase().replace('_', ' ')} {meter.property && <code>{meter.property}</code>}
                    </td>
                    <td>
                      <code>{meter.eventType}</code>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </>
        )}
      </Loaded>
    </>
  );
}
