import { useState } from 'react';
import { Link } from 'react-router';
import type { FinalizeInvoicesMutation } from '../api/generated';
import { useChange } from '../api/hooks';
import { formatDateTime } from '../format/time';
import { useTimeZone } from '../session/Viewer';
import { Dialog } from '../ui/elements';
import { ErrorNote } from '../ui/states';
import { FINALIZE_MANY } from './queries';

type Outcome = FinalizeInvoicesMutation['finalizeInvoices'];

const OUTCOMES: Record<Outcome['results'][number]['outcome'], string> = {
  FINALIZED: 'finalized',
  STALE: 'not finalized, because usage has arrived: its replacement is drafted in a moment',
  NOT_FOUND: 'replaced meanwhile',
  NOT_A_DRAFT: 'final already',
};

type Props = { onClose: () => void } & ({ ids: readonly string[]; through?: never } | { through: string; ids?: never });

/** Finalizes chosen drafts, or all of periods that ended by a time; of many, in as many requests as it takes, with its progress. */
export function FinalizeDialog({ ids, through, onClose }: Props) {
  const timeZone = useTimeZone();
  const [done, setDone] = useState<Outcome['results']>([]);
  const [left, setLeft] = useState<number | null>(null);
  const [before, setBefore] = useState<number | null>(null);
  const finalize = useChange(FINALIZE_MANY, ({ finalizeInvoices }) => {
    setDone((old) => [...old, ...finalizeInvoices.results]);
    setBefore(left);
    setLeft(finalizeInvoices.left);
  });
  const variables = ids ? { ids: [...ids], through: null } : { ids: null, through };
  const finished = left === 0 || (left !== null && ids !== undefined);
  // What is left may be stale drafts only, which wait for their replacements.
  const stuck = !finished && left !== null && left === before;
  const count = (outcome: string) => done.filter((one) => one.outcome === outcome).length;
  const others = done.filter(({ outcome }) => outcome !== 'FINALIZED');
  return (
    <Dialog
      title={
        ids
          ? `Finalize ${ids.length === 1 ? 'the chosen draft' : `${ids.length} chosen drafts`}?`
          : 'Finalize all drafts of ended periods?'
      }
      onClose={() => {
        if (!finalize.isPending) onClose();
      }}
    >
      <p>
        {through ? `Drafts whose period ended by ${formatDateTime(through, timeZone)}. ` : ''}
        Each gets its number and never changes again: late usage goes to the next invoice.
      </p>
      {finalize.error ? <ErrorNote error={finalize.error} /> : null}
      {finalize.isPending ? <progress aria-label="Finalizing" /> : null}
      {done.length > 0 ? (
        <div role="status">
          <p>
            <strong>{count('FINALIZED')} finalized</strong>
            {left ? `, ${left} left` : ''}
          </p>
          {others.length > 0 ? (
            <ul>
              {others.map((one) => (
                <li key={one.id}>
                  <Link to={`/invoices/${encodeURIComponent(one.id)}`}>{one.number ?? 'A draft'}</Link>:{' '}
                  {OUTCOMES[one.outcome]}
                </li>
              ))}
            </ul>
          ) : null}
        </div>
      ) : left === 0 ? (
        <p role="status">There was no such draft.</p>
      ) : null}
      <div className="dialog-actions">
        <button type="button" className="button" onClick={onClose} disabled={finalize.isPending}>
          {left === null ? 'Cancel' : 'Close'}
        </button>
        {finished || stuck ? null : (
          <button
            type="button"
            className="button button-primary"
            disabled={finalize.isPending}
            onClick={() => finalize.mutate(variables)}
          >
            {finalize.isPending ? 'Finalizing …' : left === null ? 'Finalize' : 'Go on'}
          </button>
        )}
      </div>
    </Dialog>
  );
}
