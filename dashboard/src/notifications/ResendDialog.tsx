import { useState } from 'react';
import { useChange } from '../api/hooks';
import { FormDialog, statedInstant } from '../forms/FormDialog';
import { formatCount } from '../format/decimal';
import { DAY, formatDateTime, MINUTE, toLocalField } from '../format/time';
import { useTimeZone } from '../session/Viewer';
import { Dialog } from '../ui/elements';
import { RESEND_EVENTS, type WebhookEndpoint } from './queries';

/** Sends the events of a time again, in as many requests as it takes. */
export function ResendDialog({ endpoint, onClose }: { endpoint: WebhookEndpoint; onClose: () => void }) {
  const timeZone = useTimeZone();
  const [opened] = useState(() => Date.now());
  const [sent, setSent] = useState(0);
  const [at, setAt] = useState<string | null>(null);
  const [done, setDone] = useState(false);
  const [busy, setBusy] = useState(false);
  const resend = useChange(RESEND_EVENTS);
  const send = async (from: string | null, to: string | null, undeliveredOnly: boolean) => {
    if (from === null || to === null) return;
    setBusy(true);
    setSent(0);
    try {
      for (let start: string | null = from; start !== null;) {
        const { resendEvents: answer }: { resendEvents: { count: number; continueFrom: string | null } } =
          await resend.mutateAsync({ input: { endpointId: endpoint.id, from: start, to, undeliveredOnly } });
        setSent((before) => before + answer.count);
        setAt(answer.continueFrom);
        start = answer.continueFrom;
      }
      setDone(true);
    } catch {
      // The mutation holds its error, which is shown.
    } finally {
      setBusy(false);
    }
  };
  if (done)
    return (
      <Dialog title="Resend events" onClose={onClose}>
        <p className="breakable">{endpoint.url}</p>
        <p role="status">
          {sent === 0
            ? 'There was nothing to send.'
            : sent === 1
              ? 'One event is on its way.'
              : `${formatCount(sent)} events are on their way.`}
        </p>
        <div className="dialog-actions">
          <button type="button" className="button button-primary" onClick={onClose}>
            Close
          </button>
        </div>
      </Dialog>
    );
  return (
    <FormDialog
      title="Resend events"
      intro={<p className="breakable">{endpoint.url}</p>}
      fields={[
        {
          name: 'from',
          label: 'Events from',
          kind: 'datetime',
          required: true,
          hint: `On the clock of ${timeZone}. Events are kept for 30 days.`,
        },
        { name: 'to', label: 'To, exclusive', kind: 'datetime', required: true },
        { name: 'undeliveredOnly', label: 'Only what was not delivered', kind: 'check' },
      ]}
      initial={{
        from: toLocalField(quarter(opened - DAY), timeZone),
        to: toLocalField(quarter(opened + 15 * MINUTE), timeZone),
        undeliveredOnly: 'yes',
      }}
      submit="Resend"
      busy="Resending …"
      mutation={{ isPending: busy, error: resend.error, reset: resend.reset }}
      onSubmit={(values) =>
        void send(
          statedInstant(values.from, timeZone),
          statedInstant(values.to, timeZone),
          values.undeliveredOnly === 'yes',
        )
      }
      onClose={onClose}
    >
      {() =>
        busy ? (
          <p role="status">
            <progress aria-label="Resending" /> {formatCount(sent)} events
            {at === null ? '' : `, up to ${formatDateTime(at, timeZone)}`}
          </p>
        ) : null
      }
    </FormDialog>
  );
}

/** Down to the quarter hour, the field's step. */
function quarter(instant: number): number {
  return Math.floor(instant / (15 * MINUTE)) * 15 * MINUTE;
}
