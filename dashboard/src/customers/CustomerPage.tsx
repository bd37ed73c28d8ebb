import { useState } from 'react';
import { Link, useSearchParams } from 'react-router';
import { useChange, useRead } from '../api/hooks';
import { ConfirmDialog } from '../forms/FormDialog';
import { formatDateTime } from '../format/time';
import { InvoiceList } from '../invoices/InvoiceList';
import { useMay, useTimeZone } from '../session/Viewer';
import { Card, Fact, Facts, PageHead } from '../ui/elements';
import { Menu } from '../ui/Menu';
import { Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import { CustomerDialog } from './CustomerDialog';
import { EmbedCard } from './EmbedCard';
import { MoneyCard } from './MoneyCard';
import { ARCHIVE_CUSTOMER, CUSTOMER, UNARCHIVE_CUSTOMER, type Customer } from './queries';
import { RunningCard } from './RunningCard';
import { SubscriptionsCard } from './SubscriptionsCard';

const INVOICES_PAGE_SIZE = 6;

export function CustomerPage() {
  const [params] = useSearchParams();
  const key = params.get('key') ?? '';
  const mayChange = useMay('billing');
  const [creating, setCreating] = useState(false);
  const result = useRead(CUSTOMER, { key });
  useTitle(result.data?.customer?.name ?? (key || 'Customer'));

  return (
    <>
      <Link className="back" to="/customers">
        Customers
      </Link>
      <Loaded result={result} what="the customer">
        {({ customer }) =>
          customer === null ? (
            <PageHead
              title={`No customer has the key “${key}”`}
              intro={
                <>
                  Events with this key are counted anyway: see its <Link to={usagePath(key)}>usage</Link>.
                </>
              }
            >
              {mayChange ? (
                <button type="button" className="button" onClick={() => setCreating(true)}>
                  Create a customer
                </button>
              ) : null}
            </PageHead>
          ) : (
            <Detail customer={customer} />
          )
        }
      </Loaded>
      {creating ? <CustomerDialog customer={null} onClose={() => setCreating(false)} /> : null}
    </>
  );
}

function Detail({ customer }: { customer: Customer }) {
  const timeZone = useTimeZone();
  const mayChange = useMay('billing');
  const isAdmin = useMay('admin');
  const [asking, setAsking] = useState<'edit' | 'archive' | null>(null);
  const close = () => setAsking(null);
  const archive = useChange(ARCHIVE_CUSTOMER, close);
  const unarchive = useChange(UNARCHIVE_CUSTOMER);
  const { key, address } = customer;
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
    <>
      <PageHead
        title={
          <>
            {customer.name} {customer.archivedAt ? <span className="badge">Archived</span> : null}
          </>
        }
      >
        <Link className="button" to={usagePath(key)}>
          Usage
        </Link>
        {mayChange ? (
          <>
            <button type="button" className="button" onClick={() => setAsking('edit')}>
              Edit
            </button>
            <Menu
              label="More actions"
              actions={[
                customer.archivedAt
                  ? { label: 'Take out of the archive', onSelect: () => unarchive.mutate({ key }) }
                  : { label: 'Archive …', onSelect: () => setAsking('archive'), danger: true },
              ]}
            />
          </>
        ) : null}
      </PageHead>
      <Card>
        <Facts>
          <Fact name="Key">
            <code>{key}</code>
          </Fact>
          <Fact name="E-mail">{customer.email ?? '–'}</Fact>
          {lines.length > 0 ? (
            <Fact name="Address">
              {lines.map((line) => (
                <div key={line}>{line}</div>
              ))}
            </Fact>
          ) : null}
          {customer.taxId ? <Fact name="Tax id">{customer.taxId}</Fact> : null}
          <Fact name="Created">{formatDateTime(customer.createdAt, timeZone)}</Fact>
        </Facts>
      </Card>
      <RunningCard customer={key} />
      <SubscriptionsCard customer={key} archived={customer.archivedAt !== null} />
      <MoneyCard customer={key} />
      <Card title="Invoices">
        <InvoiceList customer={key} status={null} pageSize={INVOICES_PAGE_SIZE} ofOneCustomer />
      </Card>
      {isAdmin ? <EmbedCard customer={key} /> : null}
      {asking === 'edit' ? <CustomerDialog customer={customer} onClose={close} /> : null}
      {asking === 'archive' ? (
        <ConfirmDialog
          title={`Archive ${customer.name}?`}
          submit="Archive"
          mutation={archive}
          onConfirm={() => archive.mutate({ key })}
          onClose={close}
        >
          <p>
            It gets no new subscription and is left out of the list. Usage is counted and invoices stay. None of its
            subscriptions may run.
          </p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}

function usagePath(customer: string): string {
  return `/usage?${new URLSearchParams({ customer }).toString()}`;
}
