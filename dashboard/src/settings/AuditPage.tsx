import { useSearchParams } from 'react-router';
import { useRead } from '../api/hooks';
import { formatDateTimeSeconds } from '../format/time';
import { useMay, useTimeZone } from '../session/Viewer';
import { Card, PageHead, Rows, Segmented } from '../ui/elements';
import { NextPages, usePaging } from '../ui/paging';
import { Empty, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import { BILLING_LOG, MEMBERS, NOTIFICATIONS_LOG, ORG_LOG, PLANS_LOG } from './queries';

const LOGS = [
  { value: 'org', label: 'People and keys' },
  { value: 'plans', label: 'Meters and plans' },
  { value: 'billing', label: 'Billing' },
  { value: 'notifications', label: 'Notifications' },
] as const;

type Log = (typeof LOGS)[number]['value'];

const DOCUMENTS = { org: ORG_LOG, plans: PLANS_LOG, billing: BILLING_LOG, notifications: NOTIFICATIONS_LOG };

const PAGE_SIZE = 50;

export function AuditPage() {
  const isAdmin = useMay('admin');
  const [params, setParams] = useSearchParams();
  const log = LOGS.find(({ value }) => value === params.get('log'))?.value ?? 'org';
  useTitle('Audit log');
  return (
    <>
      <PageHead
        title="Audit log"
        intro="Who changed what, and when. Written with the change itself, and never altered."
      />
      <Card>
        {isAdmin ? (
          <>
            <Segmented<Log> label="Log" options={LOGS} value={log} onChange={(next) => setParams({ log: next })} />
            <Entries log={log} />
          </>
        ) : (
          <Empty title="The audit log is for owners and admins" />
        )}
      </Card>
    </>
  );
}

function Entries({ log }: { log: Log }) {
  const timeZone = useTimeZone();
  const paging = usePaging(log);
  const result = useRead(DOCUMENTS[log], { first: PAGE_SIZE, after: paging.after }, { keepPrevious: true });
  const members = useRead(MEMBERS, {});
  const who = (kind: string, id: string | null) =>
    members.data?.members.find(({ userId }) => userId === id)?.email ??
    (id === null ? kind.replaceAll('_', ' ') : `${kind.replaceAll('_', ' ')} ${id}`);
  return (
    <Loaded result={result} what="the log">
      {({ log: page }) =>
        page.nodes.length === 0 ? (
          <Empty title="No entries" />
        ) : (
          <>
            <Rows
              label="Audit log"
              rows={page.nodes}
              keyOf={({ id }) => id}
              columns={[
                { head: 'At', cell: (entry) => formatDateTimeSeconds(entry.at, timeZone) },
                { head: 'Action', cell: (entry) => <code>{entry.action}</code> },
                {
                  head: 'By',
                  cell: (entry) => <span className="breakable">{who(entry.actorKind, entry.actorId)}</span>,
                },
                { head: 'On', cell: (entry) => <span className="breakable">{entry.subject ?? '–'}</span> },
                { head: 'Detail', cell: (entry) => <span className="breakable">{entry.detail ?? '–'}</span> },
              ]}
            />
            <NextPages paging={paging} page={page} what="the log" />
          </>
        )
      }
    </Loaded>
  );
}
