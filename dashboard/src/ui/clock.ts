import { useEffect, useState } from 'react';
import { graphql } from '../api/graphql';
import { useRead } from '../api/hooks';

export const CLOCK = graphql(/* GraphQL */ `
  query Clock {
    clock {
      now
      frozen
      duePeriods
    }
  }
`);

export const SET_CLOCK = graphql(/* GraphQL */ `
  mutation SetClock($now: DateTime) {
    setClock(now: $now) {
      now
      frozen
      duePeriods
    }
  }
`);

/** How often the system clock is read, in ms. */
const TICK = 60_000;

/**
 * The org's current time: its test clock's or else the system clock's, to the minute. Null until it is known whether
 * there is a test clock; if Billing does not answer, the system clock is used.
 */
export function useOrgNow(): number | null {
  const { data, isError } = useRead(CLOCK, {});
  const [wall, setWall] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setWall(Date.now()), TICK);
    return () => clearInterval(timer);
  }, []);
  if (data) return data.clock.frozen ? Date.parse(data.clock.now) : wall;
  return isError ? wall : null;
}
