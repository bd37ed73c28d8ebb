import { Link } from 'react-router';
import { useRead } from '../api/hooks';
import type { Meter } from '../api/schema';
import { formatDate } from '../format/time';
import { useTimeZone } from '../session/Viewer';
import { Card, PageHead, Table } from '../ui/elements';
import { Empty, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import { METERS } from './queries';
import { spellOutMeter } from './spellOut';

export function MetersPage() {
  const timeZone = useTimeZone();
  const result = useRead<{ meters: Meter[] }>(METERS);
  useTitle('Meters');
  return (
    <>
      <PageHead title="Meters" intro="How events become quantities." />
      <Card>
        <Loaded result={result} what="meters">
          {({ meters }) =>
            meters.length === 0 ? (
              <Empty title="No meters yet">
                Create one with the mutation <code>createMeter</code>. Earlier events are counted too.
              </Empty>
            ) : (
              <Table
                label="Meters"
                head={
                  <>
                    <th scope="col">Name</th>
                    <th scope="col">Key</th>
                    <th scope="col">Aggregation</th>
                    <th scope="col">Filters</th>
                    <th scope="col">Created</th>
                  </>
                }
              >
                {meters.map((meter) => (
                  <tr key={meter.id}>
                    <td>
                      <Link to={`/usage?${new URLSearchParams({ meter: meter.key }).toString()}`}>{meter.name}</Link>
                    </td>
                    <td>
                      <code>{meter.key}</code>
                    </td>
                    <td>{spellOutMeter(meter)}</td>
                    <td>
                      {meter.filters.length === 0
                        ? 'always'
                        : meter.filters.map((filter) => (
                            <div key={filter.property}>
                              <code>{filter.property}</code> is <code>{filter.equals}</code>
                            </div>
                          ))}
                    </td>
                    <td>{formatDate(meter.createdAt, timeZone)}</td>
                  </tr>
                ))}
              </Table>
            )
          }
        </Loaded>
      </Card>
    </>
  );
}
