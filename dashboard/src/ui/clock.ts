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

/** How often the system clock is read, in ms. */
const TICK = 60_000;

/**
 * The org's current time: its test clock's or else the system clock's, to the minute. Null until it is known whether
 * there is a test clock; if Billing does not answer, the system clock is used.
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
