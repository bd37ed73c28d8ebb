import type { DeliveryQuery, DeliveryStatus } from '../api/generated';
import { useChange, useRead } from '../api/hooks';
import { formatCount } from '../format/decimal';
import { formatDateTimeSeconds } from '../format/time';
import { useMay, useTimeZone } from '../session/Viewer';
import { Dialog, Fact, Facts, Hash, Rows } from '../ui/elements';
import { Empty, ErrorNote, Loaded } from '../ui/states';
import { DELIVERY, RESEND_DELIVERY } from './queries';

export const OUTCOMES: Readonly<Record<DeliveryStatus, { text: string; look: string }>> = {
  WAITING: { text: 'Waiting', look: 'badge badge-scheduled' },
  DELIVERED: { text: 'Delivered', look: 'badge badge-active' },
  FAILED: { text: 'Given up', look: 'badge badge-failed' },
};

/** While something is to be tried, the next try may be over at any moment. */
const WATCH = 1_000;

export function useDelivery(id: string | null) {
  return useRead(DELIVERY, { id: id ?? '' }, { enabled: id !== null, every: WATCH });
}

type Attempt = NonNullable<DeliveryQuery['delivery']>['attempts'][number];

export function AttemptTable({ attempts }: { attempts: readonly Attempt[] }) {
  const timeZone = useTimeZone();
  if (attempts.length === 0) return <Empty title="Not tried yet" />;
  return (
    <Rows
      label="Attempts"
      rows={attempts}
      keyOf={({ number }) => String(number)}
      columns={[
        { head: 'Try', right: true, cell: (one) => one.number },
        { head: 'At', cell: (one) => formatDateTimeSeconds(one.at, timeZone) },
        { head: 'Took', right: true, cell: (one) => `${formatCount(one.milliseconds)} ms` },
        {
          head: 'Answer',
          cell: (one) => (
            <>
              <span className="breakable">{one.error ?? one.statusCode ?? '–'}</span>
              {one.response ? <pre className="response">{one.response}</pre> : null}
            </>
          ),
        },
      ]}
    />
  );
}

/** A delivery with its tries, which may go on while one looks. */
export function DeliveryDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const timeZone = useTimeZone();
  const isAdmin = useMay('admin');
  const result = useDelivery(id);
  const resend = useChange(RESEND_DELIVERY);
  return (
    <Dialog title="Delivery" onClose={onClose} wide>
      <Loaded result={result} what="the delivery">
        {({ delivery }) =>
          delivery === null ? (
            <Empty title="It is no longer kept" />
          ) : (
            <>
              <Facts>
                <Fact name="Event">
                  <code>{delivery.eventType}</code>
                </Fact>
                <Fact name="Webhook id">
                  <Hash value={delivery.eventId} name="the webhook’s id" />
                </Fact>
                <Fact name="State">
                  <span className={OUTCOMES[delivery.status].look}>{OUTCOMES[delivery.status].text}</span>
                  {delivery.nextAttemptAt ? (
                    <div className="soft">tried next {formatDateTimeSeconds(delivery.nextAttemptAt, timeZone)}</div>
                  ) : null}
                </Fact>
                <Fact name="Happened">{formatDateTimeSeconds(delivery.createdAt, timeZone)}</Fact>
                <Fact name="Tries">{formatCount(delivery.attemptCount)}</Fact>
              </Facts>
              <AttemptTable attempts={delivery.attempts} />
            </>
          )
        }
      </Loaded>
      {resend.error ? <ErrorNote error={resend.error} /> : null}
      <div className="dialog-actions">
        {isAdmin ? (
          <button
            type="button"
            className="button"
            disabled={resend.isPending || !result.data?.delivery}
            onClick={() => resend.mutate({ id })}
          >
            {resend.isPending ? 'Resending …' : 'Resend'}
          </button>
        ) : null}
        <button type="button" className="button button-primary" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
