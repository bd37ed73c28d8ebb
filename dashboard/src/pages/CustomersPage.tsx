import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { graphql } from '../api';
import { formatMoney, formatPeriod, groupDigits } from '../format';
import { Loaded } from '../Loaded';

interface Customer {
  key: string;
  name: string;
  email: string | null;
}

interface Current {
  currentUsage: {
    charge: string;
    quantity: string;
    amount: string;
    currency: string;
    periodStart: string;
    periodEnd: string;
  }[];
}

export function CustomersPage() {
  const [search, setSearch] = useState('');
  const [selected, setSelected] = useState<string>();
  const customers = useQuery({
    queryKey: ['customers', search],
    queryFn: () =>
      graphql<{ customers: { nodes: Customer[]; totalCount: number } }>(
        'query($search: String) { customers(first: 100, search: $search) { nodes { key name email } totalCount } }',
        { search: search || null },
      ),
  });
  return (
    <>
      <h1>Customers</h1>
      <div className="toolbar">
        <label>
          Search <input value={search} onChange={(event) => setSearch(event.target.value)} />
        </label>
      </div>
      <Loaded query={customers}>
        {({ customers: page }) =>
          page.nodes.length === 0 ? (
            <p className="soft">No customers.</p>
          ) : (
            <table>
              <thead>
                <tr>
                  <th>Name</th>
                  <th>Key</th>
                  <th>E-mail</th>
                </tr>
              </thead>
              <tbody>
                {page.nodes.map((customer) => (
                  <tr key={customer.key}>
                    <td>
                      <button className="link" onClick={() => setSelected(customer.key)}>
                        {customer.name}
                      </button>
                    </td>
                    <td>
                      <code>{customer.key}</code>
                    </td>
                    <td>{customer.email}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Loaded>
      {selected && <CurrentUsage customer={selected} />}
    </>
  );
}

function CurrentUsage({ customer }: { customer: string }) {
  const usage = useQuery({
    queryKey: ['current', customer],
    queryFn: () =>
      graphql<Current>(
        'query($customer: String!) { currentUsage(customer: $customer) { charge quantity amount currency periodStart periodEnd } }',
        {
          customer,
        },
      ),
  });
  return (
    <section className="card">
      <h2>{customer}: this period so far</h2>
      <Loaded query={usage}>
        {({ currentUsage: charges }) =>
          charges.length === 0 ? (
            <p className="soft">No running subscription with usage charges.</p>
          ) : (
            <>
              <p className="soft">{formatPeriod(charges[0]!.periodStart, charges[0]!.periodEnd)}</p>
              <table>
                <thead>
                  <tr>
                    <th>Charge</th>
                    <th className="number">Quantity</th>
                    <th className="number">Amount if it ended now</th>
                  </tr>
                </thead>
                <tbody>
                  {charges.map((charge) => (
                    <tr key={charge.charge}>
                      <td>{charge.charge}</td>
                      <td className="number">{groupDigits(charge.quantity)}</td>
                      <td className="number">{formatMoney(charge.amount, charge.currency)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </>
          )
        }
      </Loaded>
    </section>
  );
}
