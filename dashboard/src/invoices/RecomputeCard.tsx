import { useChange } from '../api/hooks';
import type { Recomputation } from '../api/schema';
import { useMayChange } from '../session/Viewer';
import { Card, Hash, Table } from '../ui/elements';
import { ErrorNote } from '../ui/states';
import { RECOMPUTE } from './queries';

/** Verifies an invoice: Billing rebuilds it from raw events, and the card shows whether the result is identical. */
export function RecomputeCard({ invoiceId }: { invoiceId: string }) {
  const mayChange = useMayChange();
  const recompute = useChange<{ recomputeInvoice: Recomputation }, { id: string }>(RECOMPUTE);
  return (
    <Card
      title="Verification"
      actions={
        <button
          type="button"
          className="button"
          disabled={!mayChange || recompute.isPending}
          onClick={() => recompute.mutate({ id: invoiceId })}
        >
          {recompute.isPending ? 'Recomputing …' : 'Recompute from events'}
        </button>
      }
    >
      <p className="intro">
        Rebuilds this invoice from only the raw events, the plan version and the subscription, and compares every
        figure. Nothing is changed by it.{mayChange ? '' : ' It takes the role owner or admin.'}
      </p>
      {recompute.error ? <ErrorNote error={recompute.error} /> : null}
      {recompute.data ? <Outcome result={recompute.data.recomputeInvoice} /> : null}
    </Card>
  );
}

export function Outcome({ result }: { result: Recomputation }) {
  if (result.identical) {
    return (
      <div className="outcome outcome-same" role="status">
        <strong>Identical</strong>
        <span>The raw events give the same invoice, with the same result hash.</span>
        <Hash value={result.recomputedHash} name="the recomputed hash" />
      </div>
    );
  }
  const count = result.differences.length;
  return (
    <div className="outcome outcome-different" role="status">
      <strong>{count === 1 ? 'One figure differs' : `${count} figures differ`}</strong>
      <span>The raw events give a different result: late events were ingested, or the stored invoice is wrong.</span>
      {count === 0 ? null : (
        <Table
          label="Differences"
          head={
            <>
              <th scope="col">Charge</th>
              <th scope="col">Figure</th>
              <th scope="col" className="right">
                Invoice
              </th>
              <th scope="col" className="right">
                Events
              </th>
            </>
          }
        >
          {result.differences.map((difference) => (
            <tr key={difference.charge + difference.field}>
              <td>{difference.charge}</td>
              <td>{difference.field}</td>
              <td className="right number">{difference.stored}</td>
              <td className="right number">{difference.recomputed}</td>
            </tr>
          ))}
        </Table>
      )}
      <p>
        Stored hash <Hash value={result.resultHash} name="the stored hash" />, recomputed{' '}
        <Hash value={result.recomputedHash} name="the recomputed hash" />
      </p>
    </div>
  );
}
