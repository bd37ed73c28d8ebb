import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import type { InvoiceStatus, PlanVersion } from '../api/schema';
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
          {actions}
        </div>
      ) : null}
      {children}
    </section>
  );
}

/** A table that scrolls horizontally when the screen is narrower. */
export function Table({ label, head, children }: { label: string; head: ReactNode; children: ReactNode }) {
  return (
    <div className="table-scroll" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>{head}</tr>
        </thead>
        <tbody>{children}</tbody>
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

const STATUS_TEXT: Record<InvoiceStatus | PlanVersion['status'], string> = {
  DRAFT: 'Draft',
  FINALIZED: 'Finalized',
  PAID: 'Paid',
  VOID: 'Void',
  PUBLISHED: 'Published',
  ARCHIVED: 'Archived',
};

export function StatusBadge({ status }: { status: InvoiceStatus | PlanVersion['status'] }) {
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

/** A long hash: shortened on screen, complete on hover and in the clipboard. */
export function Hash({ value, name }: { value: string; name: string }) {
  return (
    <span className="hash">
      <code title={value}>{value.length > 20 ? value.slice(0, 16) + '…' : value}</code>
      <CopyButton text={value} label={`Copy ${name}`} />
    </span>
  );
}

/** A secret that is shown only once: the API does not return it again. */
export function SecretOnce({ secret, note }: { secret: string; note: string }) {
  return (
    <div className="secret" role="status">
      <p>
        <strong>Copy this key now.</strong> {note}
      </p>
      <div className="secret-row">
        <code data-testid="secret">{secret}</code>
        <CopyButton text={secret} label="Copy the API key" />
      </div>
    </div>
  );
}

/** The browser's own modal dialog: it traps the focus and closes on Escape. */
export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}

export function Field({
  label,
  hint,
  error,
  children,
}: {
  label: string;
  hint?: string | undefined;
  error?: string | null | undefined;
  children: (props: { id: string; 'aria-describedby': string | undefined; 'aria-invalid': boolean }) => ReactNode;
}) {
  const id = useId();
  const noteId = `${id}-note`;
  const note = error ?? hint;
  return (
    <div className="field">
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
