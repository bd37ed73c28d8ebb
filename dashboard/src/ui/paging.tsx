import { useState } from 'react';
import { formatCount } from '../format/decimal';

/**
 * The API has only forward cursors, so the cursors of earlier pages are kept for going back. A change of `resetKey`
 * (the filters) returns to the first page.
 */
export type Paging = {
  after: string | null;
  /** 1 for the first page. */
  page: number;
  next: (endCursor: string) => void;
  previous: () => void;
};

type Position = { key: string; cursors: readonly string[] };

export function usePaging(resetKey: string): Paging {
  const [position, setPosition] = useState<Position>({ key: resetKey, cursors: [] });
  const cursors = position.key === resetKey ? position.cursors : [];
  return {
    after: cursors.at(-1) ?? null,
    page: cursors.length + 1,
    next: (endCursor) => setPosition({ key: resetKey, cursors: [...cursors, endCursor] }),
    previous: () => setPosition({ key: resetKey, cursors: cursors.slice(0, -1) }),
  };
}

/** Of a list that does not say how long it is. */
export function NextPages({
  paging,
  page,
  what,
}: {
  paging: Paging;
  page: { endCursor: string | null; hasNextPage: boolean };
  what: string;
}) {
  const { endCursor } = page;
  return (
    <nav className="pager" aria-label={`Pages of ${what}`}>
      <span>Page {paging.page}</span>
      <span className="pager-buttons">
        <button type="button" className="button" disabled={paging.page === 1} onClick={paging.previous}>
          Previous
        </button>
        <button
          type="button"
          className="button"
          disabled={!page.hasNextPage || endCursor === null}
          onClick={() => {
            if (endCursor !== null) paging.next(endCursor);
          }}
        >
          Next
        </button>
      </span>
    </nav>
  );
}

export function pageCount(total: number, size: number): number {
  return Math.max(1, Math.ceil(total / size));
}

export function Pager({
  paging,
  size,
  data,
  busy,
  what,
}: {
  paging: Paging;
  size: number;
  data: { totalCount: number; endCursor: string | null; hasNextPage: boolean };
  busy: boolean;
  /** In the plural, such as "invoices". */
  what: string;
}) {
  const { endCursor } = data;
  return (
    <nav className="pager" aria-label={`Pages of ${what}`}>
      <span>
        {formatCount(data.totalCount)} {data.totalCount === 1 ? what.slice(0, -1) : what} · page {paging.page} of{' '}
        {pageCount(data.totalCount, size)}
      </span>
      <span className="pager-buttons">
        <button type="button" className="button" disabled={paging.page === 1 || busy} onClick={paging.previous}>
          Previous
        </button>
        <button
          type="button"
          className="button"
          disabled={!data.hasNextPage || endCursor === null || busy}
          onClick={() => {
            if (endCursor !== null) paging.next(endCursor);
          }}
        >
          Next
        </button>
      </span>
    </nav>
  );
}
