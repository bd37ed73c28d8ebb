import { Link } from 'react-router';
import { useChange, useRead } from '../api/hooks';
import { useMay } from '../session/Viewer';
import { Card, Hash, Rows } from '../ui/elements';
import { ErrorNote, Loaded } from '../ui/states';
import { CORRECTIONS, RECOMPUTE, type Invoice, type Recomputation } from './queries';
import { correctedBy, fieldName, figure } from './recomputed';

/** Verifies an invoice: Billing rebuilds it from raw events, and the card shows whether the result is identical. */
export function RecomputeCard({ invoice }: { invoice: Invoice }) {
  const mayAsk = useMay('billing');
  const recompute = useChange(RECOMPUTE);
  return (
    <Card
      title="Verification"
      actions={
        mayAsk ? (
          <button
            type="button"
            className="button"
            disabled={recompute.isPending}
            onClick={() => recompute.mutate({ id: invoice.id })}
          >
            {recompute.isPending ? 'Recomputing …' : 'Recompute from events'}
          </button>
        ) : null
      }
    >
      <p className="intro">
        Rebuilds this invoice from only the raw events, the plan version and the subscription, and compares every
        figure. Nothing is changed by it.{mayAsk ? '' : ' It takes the role owner, admin or billing.'}
      </p>
      {recompute.isPending ? <progress aria-label="Recomputing from the events" /> : null}
      {recompute.error ? <ErrorNote error={recompute.error} /> : null}
      {recompute.data ? <Outcome invoice={invoice} result={recompute.data.recomputeInvoice} /> : null}
    </Card>
  );
}

function Outcome({ invoice, result }: { invoice: Invoice; result: Recomputation }) {
  if (result.identical) {
    return (
      <div className="outcome outcome-same" role="status">
        <strong>Identical</strong>
        <span>The raw events give the same invoice, with the same result hash.</span>
        <Hash value={result.recomputedHash} name="the recomputed hash" />
      </div>
    );
  }
  return <Different invoice={invoice} result={result} />;
}

function Different({ invoice, result }: { invoice: Invoice; result: Recomputation }) {
  const later = useRead(CORRECTIONS, { customer: invoice.customer });
  return (
    <Loaded result={later} what="later invoices">
      {({ invoices }) => {
        const correcting = correctedBy(invoice.id, result.differences, invoices.nodes);
        const count = result.differences.length;
        return (
          <div className={correcting ? 'outcome outcome-same outcome-wide' : 'outcome outcome-different'} role="status">
            {correcting ? (
              <>
                <strong>Right, and corrected since</strong>
                <p>
                  Events of this period were added, replaced or voided after the invoice was final. It stays as it is;
                  exactly the difference is on{' '}
                  {correcting.map((one, index) => (
                    <span key={one.id}>
                      {index > 0 ? ', ' : ''}
                      <Link to={`/invoices/${encodeURIComponent(one.id)}`}>{one.number ?? 'the next draft'}</Link>
                    </span>
                  ))}
                  .
                </p>
              </>
            ) : (
              <>
                <strong>{count === 1 ? 'One figure differs' : `${count} figures differ`}</strong>
                <p>
                  The raw events give a different result, and no later invoice corrects all of it: events may have
                  arrived that the next invoice will correct, or the stored invoice is wrong.
                </p>
              </>
            )}
            {count === 0 ? null : (
              <Rows
                label="Differences"
                rows={result.differences}
                keyOf={(one) => one.charge + one.field}
                columns={[
                  { head: 'Charge', cell: (one) => one.charge },
                  { head: 'Figure', cell: (one) => fieldName(one.field) },
                  {
                    head: 'Invoice',
                    right: true,
                    cell: (one) =>
                      one.field === 'eventDigest' ? (
                        <Hash value={one.stored} name={`the digest on the invoice for ${one.charge}`} />
                      ) : (
                        figure(one, one.stored, invoice.currency)
                      ),
                  },
                  {
                    head: 'Events',
                    right: true,
                    cell: (one) =>
                      one.field === 'eventDigest' ? (
                        <Hash value={one.recomputed} name={`the digest of the events for ${one.charge}`} />
                      ) : (
                        figure(one, one.recomputed, invoice.currency)
                      ),
                  },
                ]}
              />
            )}
            <p className="hashes">
              Stored hash <Hash value={result.resultHash} name="the stored hash" /> recomputed{' '}
              <Hash value={result.recomputedHash} name="the recomputed hash" />
            </p>
          </div>
        );
      }}
    </Loaded>
  );
}
