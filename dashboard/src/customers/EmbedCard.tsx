import { useChange } from '../api/hooks';
import { formatDateTime } from '../format/time';
import { useTimeZone, useViewer } from '../session/Viewer';
import { Card, CopyButton } from '../ui/elements';
import { ErrorNote } from '../ui/states';
import { CREATE_CUSTOMER_TOKEN } from './queries';

/** How long a token made here is good for, in seconds. */
const FOR = 900;

/** What the customer would see in your product. Your backend makes the tokens; one made here is to try it. */
export function EmbedCard({ customer }: { customer: string }) {
  const timeZone = useTimeZone();
  const { org } = useViewer();
  const create = useChange(CREATE_CUSTOMER_TOKEN);
  const token = create.data?.createCustomerToken;
  return (
    <Card
      title="In your product"
      actions={
        <button
          type="button"
          className="button button-small"
          disabled={create.isPending}
          onClick={() => create.mutate({ customer, expiresIn: FOR })}
        >
          {create.isPending ? 'Creating …' : 'Try the customer’s page'}
        </button>
      }
    >
      <p className="intro">
        Usage and invoices of this customer as web components, or a page for a frame, by a token that shows nothing of
        other customers.
      </p>
      {create.error ? <ErrorNote error={create.error} /> : null}
      {token ? (
        <div className="secret" role="status">
          <p>
            Good until {formatDateTime(token.expiresAt, timeZone)}.{' '}
            <a
              href={`/embed/portal.html?org=${org.id}#token=${encodeURIComponent(token.token)}`}
              target="_blank"
              rel="noreferrer"
            >
              Open the customer’s page
            </a>
          </p>
          <div className="secret-row">
            <code className="breakable">{`<polaris-invoices token="${token.token.slice(0, 12)}…"></polaris-invoices>`}</code>
            <CopyButton text={token.token} label="Copy the token" />
          </div>
        </div>
      ) : null}
    </Card>
  );
}
