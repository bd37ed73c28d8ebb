import { useCallback, useRef, useState } from 'react';
import { byKey, locale } from '../format/locale';

/** Until the place is measured, and where nothing can be (tests without layout). */
const UNMEASURED = 640;

/** The width of the element that gets the ref, in px. */
export function useWidth(): [(element: HTMLElement | null) => void, number] {
  const [width, setWidth] = useState(UNMEASURED);
  const observer = useRef<ResizeObserver | null>(null);
  const measure = useCallback((element: HTMLElement | null) => {
    observer.current?.disconnect();
    if (!element) return;
    observer.current = new ResizeObserver(([entry]) => {
      if (entry && entry.contentRect.width > 0) setWidth(Math.floor(entry.contentRect.width));
    });
    observer.current.observe(element);
  }, []);
  return [measure, width];
}

const compacts = byKey(() => new Intl.NumberFormat(locale(), { notation: 'compact', maximumFractionDigits: 1 }));

/** For the labels of an axis only, which are doubles. */
export function compact(value: number): string {
  return compacts('').format(value);
}
