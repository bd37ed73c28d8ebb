import { useDeferredValue, useState } from 'react';
import { Link } from 'react-router';
import { useRead } from '../api/hooks';
import type { Customer, Page } from '../api/schema';
import { formatDate } from '../format/time';
import { useTimeZone } from '../session/Viewer';
import { Card, PageHead, Table } from '../ui/elements';
import { Pager, usePaging } from '../ui/paging';
import { Empty, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import { CUSTOMERS, customerPath } from './queries';

const PAGE_SIZE = 25;

export function CustomersPage() {
  const timeZone = useTimeZone();
  const [typed, setTyped] = useState('');
  const search = useDeferredValue(typed.trim());
  const paging = usePaging(search);
  const result = useRead<{ customers: Page<Customer> }>(
    CUSTOMERS,
    { first: PAGE_SIZE, after: paging.after, search: search || null },
    { keepPrevious: true },
  );
  useTitle('Customers');

  return (
    <>
      <PageHead title="Customers" intro="The customers that this org bills." />
      <Card>
        <div className="filters">
          <div className="field">
            <label htmlFor="customer-search">Search</label>
            <input
              id="customer-search"
              type="search"
              placeholder="Part of a key or name"
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
            />
          </div>
        </div>
        <Loaded result={result} what="customers">
          {({ customers }) =>
            customers.totalCount === 0 ? (
              <Empty title={search ? `No customer matches “${search}”` : 'No customers yet'}>
                {search ? null : (
                  <>
                    Create them with the mutation <code>createCustomers</code>.
                  </>
                )}
              </Empty>
            ) : (
              <>
                <Table
                  label="Customers"
                  head={
                    <>
                      <th scope="col">Name</th>
                      <th scope="col">Key</th>
                      <th scope="col">E-mail</th>
                      <th scope="col">Since</th>
                    </>
                  }
                >
                  {customers.nodes.map((customer) => (
                    <tr key={customer.id}>
                      <td>
                        <Link to={customerPath(customer.key)}>{customer.name}</Link>
                      </td>
                      <td>
                        <code>{customer.key}</code>
                      </td>
                      <td>{customer.email ?? '–'}</td>
                      <td>{formatDate(customer.createdAt, timeZone)}</td>
                    </tr>
                  ))}
                </Table>
                <Pager
                  paging={paging}
                  size={PAGE_SIZE}
                  data={customers}
                  busy={result.isPlaceholderData}
                  what="customers"
                />
              </>
            )
          }
        </Loaded>
      </Card>
    </>
  );
}
