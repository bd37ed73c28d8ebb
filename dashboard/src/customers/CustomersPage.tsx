import { useDeferredValue, useState } from 'react';
import { Link, useNavigate } from 'react-router';
import { useRead } from '../api/hooks';
import { formatDate } from '../format/time';
import { useMay, useTimeZone } from '../session/Viewer';
import { Card, PageHead, Rows } from '../ui/elements';
import { Pager, usePaging } from '../ui/paging';
import { Empty, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import { CustomerDialog } from './CustomerDialog';
import { CUSTOMERS, customerPath } from './queries';

const PAGE_SIZE = 25;

export function CustomersPage() {
  const timeZone = useTimeZone();
  const mayChange = useMay('billing');
  const navigate = useNavigate();
  const [typed, setTyped] = useState('');
  const [archived, setArchived] = useState(false);
  const [creating, setCreating] = useState(false);
  const search = useDeferredValue(typed.trim());
  const paging = usePaging(`${search} ${archived}`);
  const result = useRead(
    CUSTOMERS,
    { first: PAGE_SIZE, after: paging.after, search: search || null, archived },
    { keepPrevious: true },
  );
  useTitle('Customers');

  return (
    <>
      <PageHead title="Customers" intro="The customers that this org bills.">
        {mayChange ? (
          <button type="button" className="button button-primary" onClick={() => setCreating(true)}>
            Create customer
          </button>
        ) : null}
      </PageHead>
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
          <label className="check">
            <input type="checkbox" checked={archived} onChange={(event) => setArchived(event.target.checked)} />
            Show archived ones
          </label>
        </div>
        <Loaded result={result} what="customers">
          {({ customers }) =>
            customers.totalCount === 0 ? (
              <Empty title={search ? `No customer matches “${search}”` : 'No customers yet'}>
                {search ? null : (
                  <>
                    <p>Events may name a customer before it is here: its usage is counted by the key.</p>
                    {mayChange ? (
                      <button type="button" className="button" onClick={() => setCreating(true)}>
                        Create the first customer
                      </button>
                    ) : null}
                  </>
                )}
              </Empty>
            ) : (
              <>
                <Rows
                  label="Customers"
                  rows={customers.nodes}
                  keyOf={({ id }) => id}
                  faded={({ archivedAt }) => archivedAt !== null}
                  columns={[
                    { head: 'Name', cell: (customer) => <Link to={customerPath(customer.key)}>{customer.name}</Link> },
                    { head: 'Key', cell: (customer) => <code className="breakable">{customer.key}</code> },
                    { head: 'E-mail', cell: (customer) => customer.email ?? '–' },
                    { head: 'Since', cell: (customer) => formatDate(customer.createdAt, timeZone) },
                  ]}
                />
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
      {creating ? (
        <CustomerDialog
          customer={null}
          onSaved={(key) => void navigate(customerPath(key))}
          onClose={() => setCreating(false)}
        />
      ) : null}
    </>
  );
}
