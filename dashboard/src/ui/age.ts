import { useEffect, useState } from 'react';

/** Seconds since a time, which go on by themselves. */
export function useSecondsSince(time: string | null): number | null {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return time === null ? null : Math.max(0, Math.round((now - Date.parse(time)) / 1000));
}

/** A length of time to one figure that says enough. */
export function age(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`;
}
