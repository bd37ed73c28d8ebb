import { Dialog as BaseDialog } from '@base-ui/react/dialog';
import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import type { InvoiceStatus, PlanVersionStatus, SubscriptionStatus } from '../api/generated';
import { formatMoney, formatQuantity } from '../format/decimal';

export function PageHead({ title, children, intro }: { title: ReactNode; intro?: ReactNode; children?: ReactNode }) {
  return (
    <header className="page-head">
      <div>
        <h1>{title}</h1>
        {intro ? <p className="intro">{intro}</p> : null}
      </div>
      {children ? <div className="page-actions">{children}</div> : null}
    </header>
  );
}

export function Card({ title, children, actions }: { title?: ReactNode; children: ReactNode; actions?: ReactNode }) {
  return (
    <section className="card">
      {title ? (
        <div className="card-head">
          <h2>{title}</h2>
          {actions ? <div className="card-actions">{actions}</div> : null}
        </div>
      ) : null}
      {children}
    </section>
  );
}

export type Column<Row> = {
  head: ReactNode;
  /** For the labels of a card on a narrow screen, where `head` is not a text. */
  name?: string;
  cell: (row: Row) => ReactNode;
  /** Figures: at the right, digits below each other. */
  right?: boolean;
  /** A column of buttons has no visible head. */
  actions?: boolean;
};

/** A table; on a narrow screen each row is a card, with the heads as labels. The roles stay, whatever CSS displays. */
export function Rows<Row>({
  label,
  columns,
  rows,
  keyOf,
  faded,
  foot,
}: {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row, index: number) => string;
  faded?: (row: Row) => boolean;
  foot?: ReactNode;
}) {
  return (
    <div className="table-scroll" role="region" aria-label={label} tabIndex={0}>
      <table className="rows" role="table">
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column, index) => (
              <th key={index} scope="col" role="columnheader" className={column.right ? 'right' : undefined}>
                {column.actions ? <span className="visually-hidden">{column.head}</span> : column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row, index) => (
            <tr key={keyOf(row, index)} role="row" className={faded?.(row) ? 'faded' : undefined}>
              {columns.map((column, at) => (
                <td
                  key={at}
                  role="cell"
                  className={
                    [column.right ? 'right number' : '', column.actions ? 'actions' : ''].join(' ').trim() || undefined
                  }
                  data-label={
                    column.actions ? undefined : (column.name ?? (typeof column.head === 'string' ? column.head : ''))
                  }
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
        {foot ? <tfoot role="rowgroup">{foot}</tfoot> : null}
      </table>
    </div>
  );
}

export function Facts({ children }: { children: ReactNode }) {
  return <dl className="facts">{children}</dl>;
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function Money({ value, currency }: { value: string; currency: string }) {
  return <span className="number">{formatMoney(value, currency)}</span>;
}

export function Quantity({ value }: { value: string }) {
  return <span className="number">{formatQuantity(value)}</span>;
}

type Status = InvoiceStatus | PlanVersionStatus | SubscriptionStatus;

const STATUS_TEXT: Record<Status, string> = {
  DRAFT: 'Draft',
  FINALIZED: 'Finalized',
  PAID: 'Paid',
  VOID: 'Void',
  PUBLISHED: 'Published',
  ARCHIVED: 'Archived',
  SCHEDULED: 'Scheduled',
  TRIALING: 'Trial',
  ACTIVE: 'Active',
  PAUSED: 'Paused',
  CANCELED: 'Canceled',
  ENDED: 'Ended',
};

export function StatusBadge({ status }: { status: Status }) {
  return <span className={`badge badge-${status.toLowerCase()}`}>{STATUS_TEXT[status]}</span>;
}

/** How long "Copied" stays, in ms. */
const COPIED_FOR = 2_000;

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle');
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => () => window.clearTimeout(timer.current), []);

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setState('copied');
    } catch {
      // No permission or no secure context: the text is visible and can be copied manually.
      setState('failed');
    }
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setState('idle'), COPIED_FOR);
  };

  return (
    <button type="button" className="button button-small" onClick={copy} aria-label={label}>
      <span aria-live="polite">{{ idle: 'Copy', copied: 'Copied', failed: 'Copy it manually' }[state]}</span>
    </button>
  );
}

/** A hash or a digest, the same everywhere: shortened on screen, complete on hover and in the clipboard. */
export function Hash({ value, name }: { value: string; name: string }) {
  return (
    <span className="hash">
      <code title={value}>{value.length > 20 ? value.slice(0, 16) + '…' : value}</code>
      <CopyButton text={value} label={`Copy ${name}`} />
    </span>
  );
}

/** A secret that is shown only once: the API does not return it again. */
export function SecretOnce({ secret, note, what = 'key' }: { secret: string; note: string; what?: string }) {
  return (
    <div className="secret" role="status">
      <p>
        <strong>Copy this {what} now.</strong> {note}
      </p>
      <div className="secret-row">
        <code data-testid="secret">{secret}</code>
        <CopyButton text={secret} label={`Copy the ${what}`} />
      </div>
    </div>
  );
}

/** A modal dialog. Without `onClose` it stays until one of its buttons closes it. */
export function Dialog({
  title,
  onClose,
  wide = false,
  children,
}: {
  title: string;
  onClose?: (() => void) | undefined;
  wide?: boolean;
  children: ReactNode;
}) {
  return (
    <BaseDialog.Root
      open
      onOpenChange={(open) => {
        if (!open) onClose?.();
      }}
      disablePointerDismissal
    >
      <BaseDialog.Portal>
        <BaseDialog.Backdrop className="backdrop" />
        <BaseDialog.Popup className={wide ? 'dialog dialog-wide' : 'dialog'}>
          <BaseDialog.Title render={<h2 />}>{title}</BaseDialog.Title>
          {children}
        </BaseDialog.Popup>
      </BaseDialog.Portal>
    </BaseDialog.Root>
  );
}

export function Field({
  label,
  hint,
  error,
  grow = false,
  children,
}: {
  label: string;
  hint?: ReactNode;
  error?: string | null | undefined;
  grow?: boolean;
  children: (props: { id: string; 'aria-describedby': string | undefined; 'aria-invalid': boolean }) => ReactNode;
}) {
  const id = useId();
  const noteId = `${id}-note`;
  const note = error ?? hint;
  return (
    <div className={grow ? 'field field-grow' : 'field'}>
      <label htmlFor={id}>{label}</label>
      {children({ id, 'aria-describedby': note ? noteId : undefined, 'aria-invalid': Boolean(error) })}
      {note ? (
        <p id={noteId} className={error ? 'field-error' : 'field-hint'} role={error ? 'alert' : undefined}>
          {note}
        </p>
      ) : null}
    </div>
  );
}

export function Segmented<T extends string>({
  label,
  options,
  value,
  onChange,
}: {
  label: string;
  options: readonly { value: T; label: string }[];
  value: T;
  onChange: (value: T) => void;
}) {
  return (
    <div className="segmented" role="group" aria-label={label}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          onClick={() => onChange(option.value)}
        >
          {option.label}
        </button>
      ))}
    </div>
  );
}
