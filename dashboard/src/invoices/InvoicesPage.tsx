import { useState } from 'react';
import { useSearchParams } from 'react-router';
import type { InvoiceStatus } from '../api/generated';
import { CustomerFilter } from '../customers/CustomerField';
import { useMay } from '../session/Viewer';
import { useOrgNow } from '../ui/clock';
import { Card, PageHead } from '../ui/elements';
import { useTitle } from '../ui/title';
import { FinalizeDialog } from './FinalizeDialog';
import { InvoiceList } from './InvoiceList';

const PAGE_SIZE = 20;

const STATUSES: readonly { value: InvoiceStatus; label: string }[] = [
  { value: 'DRAFT', label: 'Draft' },
  { value: 'FINALIZED', label: 'Finalized' },
  { value: 'PAID', label: 'Paid' },
  { value: 'VOID', label: 'Void' },
];

export function InvoicesPage() {
  const [params, setParams] = useSearchParams();
  const mayFinalize = useMay('billing');
  const now = useOrgNow();
  const [through, setThrough] = useState<string | null>(null);
  const status = STATUSES.find(({ value }) => value === params.get('status'))?.value ?? null;
  const customer = params.get('customer') ?? '';
  const set = (name: string, value: string) =>
    setParams(
      (old) => {
        const next = new URLSearchParams(old);
        if (value) next.set(name, value);
        else next.delete(name);
        return next;
      },
      { replace: true },
    );
  useTitle('Invoices');

  return (
    <>
      <PageHead title="Invoices" intro="Newest first. Every line can be traced down to its events.">
        {mayFinalize && now !== null ? (
          <button type="button" className="button" onClick={() => setThrough(new Date(now).toISOString())}>
            Finalize all drafts
          </button>
        ) : null}
      </PageHead>
      <Card>
        <div className="filters">
          <div className="field">
            <label htmlFor="invoice-status">Status</label>
            <select id="invoice-status" value={status ?? ''} onChange={(event) => set('status', event.target.value)}>
              <option value="">All</option>
              {STATUSES.map(({ value, label }) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          </div>
          <CustomerFilter value={customer} onChange={(key) => set('customer', key)} />
        </div>
        <InvoiceList customer={customer || null} status={status} pageSize={PAGE_SIZE} />
      </Card>
      {through === null ? null : <FinalizeDialog through={through} onClose={() => setThrough(null)} />}
    </>
  );
}
