import { useState } from 'react';
import { Link } from 'react-router';
import { useChange, useRead } from '../api/hooks';
import { ConfirmDialog } from '../forms/FormDialog';
import { formatDate } from '../format/time';
import { useMay, useTimeZone } from '../session/Viewer';
import { Card, PageHead, Rows, type Column } from '../ui/elements';
import { Menu } from '../ui/Menu';
import { Empty, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import { MeterDialog } from './MeterDialog';
import { ARCHIVE_METER, METERS, UNARCHIVE_METER, type Meter } from './queries';
import { spellOutMeter } from './spellOut';

export function MetersPage() {
  const timeZone = useTimeZone();
  const mayChange = useMay('admin');
  const [archived, setArchived] = useState(false);
  const [creating, setCreating] = useState<Meter | 'new' | null>(null);
  const [archiving, setArchiving] = useState<Meter | null>(null);
  const result = useRead(METERS, { archived });
  const unarchive = useChange(UNARCHIVE_METER);
  const archive = useChange(ARCHIVE_METER, () => setArchiving(null));
  useTitle('Meters');
  const columns: Column<Meter>[] = [
    {
      head: 'Name',
      cell: (meter) => (
        <>
          <Link to={`/usage?${new URLSearchParams({ meter: meter.key }).toString()}`}>{meter.name}</Link>
          <code className="soft under">{meter.key}</code>
        </>
      ),
    },
    { head: 'Aggregation', cell: spellOutMeter },
    {
      head: 'Filters',
      cell: (meter) =>
        meter.filters.length === 0
          ? 'always'
          : meter.filters.map((filter) => (
              <div key={filter.property}>
                <code>{filter.property}</code> is <code>{filter.equals}</code>
              </div>
            )),
    },
    { head: 'Dimensions', cell: (meter) => (meter.dimensions.length === 0 ? '–' : meter.dimensions.join(', ')) },
    { head: 'Created', cell: (meter) => formatDate(meter.createdAt, timeZone) },
  ];
  if (mayChange)
    columns.push({
      head: 'Actions',
      actions: true,
      cell: (meter) => (
        <Menu
          label={`Actions for ${meter.name}`}
          actions={[
            { label: 'Create one like it …', onSelect: () => setCreating(meter) },
            meter.archivedAt === null
              ? { label: 'Archive …', onSelect: () => setArchiving(meter), danger: true }
              : { label: 'Take out of the archive', onSelect: () => unarchive.mutate({ key: meter.key }) },
          ]}
        />
      ),
    });
  return (
    <>
      <PageHead
        title="Meters"
        intro="How events become quantities. A meter never changes: it counts earlier events too."
      >
        {mayChange ? (
          <button type="button" className="button button-primary" onClick={() => setCreating('new')}>
            Create meter
          </button>
        ) : null}
      </PageHead>
      <Card>
        <label className="check">
          <input type="checkbox" checked={archived} onChange={(event) => setArchived(event.target.checked)} />
          Show archived ones
        </label>
        <Loaded result={result} what="meters">
          {({ meters }) =>
            meters.length === 0 ? (
              <Empty title="No meters yet">
                <p>A meter says what of your events is counted. Events that arrived before it are counted too.</p>
                {mayChange ? (
                  <button type="button" className="button" onClick={() => setCreating('new')}>
                    Create the first meter
                  </button>
                ) : null}
              </Empty>
            ) : (
              <Rows
                label="Meters"
                rows={meters}
                keyOf={({ id }) => id}
                faded={({ archivedAt }) => archivedAt !== null}
                columns={columns}
              />
            )
          }
        </Loaded>
      </Card>
      {creating === null ? null : (
        <MeterDialog like={creating === 'new' ? null : creating} onClose={() => setCreating(null)} />
      )}
      {archiving ? (
        <ConfirmDialog
          title={`Archive ${archiving.name}?`}
          submit="Archive"
          mutation={archive}
          onConfirm={() => archive.mutate({ key: archiving.key })}
          onClose={() => setArchiving(null)}
        >
          <p>No new charge can use it. It goes on counting, and charges that use it stay.</p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}
