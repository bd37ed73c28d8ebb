import { useEffect, useState } from 'react';
import { useRead } from '../api/hooks';
import type { OrgClock } from '../api/schema';

export const CLOCK = /* GraphQL */ `
  query Clock {
    clock {
      now
      frozen
    }
  }
`;

/** How often the wall clock is read, in ms. */
const TICK = 60_000;

/**
 * The time that the org is at: that of its test clock, else the wall's, to the minute. Null until it is known whether
 * there is a test clock; without Billing's answer, the wall clock has to do.
 */
export function useOrgNow(): number | null {
  const { data, isError } = useRead<{ clock: OrgClock }>(CLOCK);
  const [wall, setWall] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setWall(Date.now()), TICK);
    return () => clearInterval(timer);
  }, []);
  if (data) return data.clock.frozen ? Date.parse(data.clock.now) : wall;
  return isError ? wall : null;
}
