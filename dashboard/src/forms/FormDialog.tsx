import { useState, type ReactNode, type SyntheticEvent } from 'react';
import { CustomerField } from '../customers/CustomerField';
import { fromLocalField } from '../format/time';
import { Dialog, Field } from '../ui/elements';
import { argumentOf, errorAt } from '../ui/errors';
import { ErrorNote } from '../ui/states';

type Common<N extends string> = {
  name: N;
  label: string;
  hint?: string | undefined;
  required?: boolean;
  /** The argument of the mutation, where it is not called as the field. */
  path?: string;
  /** Shown only then. */
  when?: (values: Values<N>) => boolean;
};

export type FieldSpec<N extends string> = Common<N> &
  (
    | {
        kind?: 'text' | 'email' | 'password' | 'decimal' | 'integer' | 'datetime' | 'textarea';
        maxLength?: number;
        autoComplete?: string;
        minLength?: number;
        suggestions?: readonly string[];
      }
    | { kind: 'customer' }
    | { kind: 'check' }
    /** Any number of the options: those ticked, separated by spaces. */
    | { kind: 'checks'; options: readonly string[] }
    | { kind: 'select'; options: readonly { value: string; label: string }[] }
  );

/** All values are texts; a ticked box is "yes". */
export type Values<N extends string> = Readonly<Record<N, string>>;

export type Mutation = { isPending: boolean; error: Error | null; reset: () => void };

/**
 * A form from a list of fields. What the API refuses stands at the field that its error names, all else above the form. While the mutation
 * runs nothing can be closed or sent twice.
 */
export function FormDialog<N extends string>({
  title,
  intro,
  fields,
  initial,
  submit,
  busy = 'Saving …',
  danger = false,
  wide = false,
  mutation,
  onSubmit,
  onClose,
  children,
}: {
  title: string;
  intro?: ReactNode;
  fields: readonly FieldSpec<N>[];
  initial: Values<N>;
  submit: string;
  busy?: string;
  danger?: boolean;
  wide?: boolean;
  mutation: Mutation;
  onSubmit: (values: Values<N>) => void;
  onClose: () => void;
  children?: ((values: Values<N>) => ReactNode) | undefined;
}) {
  const [values, setValues] = useState(initial);
  const close = () => {
    if (mutation.isPending) return;
    mutation.reset();
    onClose();
  };
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!mutation.isPending) onSubmit(values);
  };
  const shown = fields.filter((field) => field.when?.(values) ?? true);
  const atField = shown.some((field) => errorAt(mutation.error, field.path ?? field.name) !== null);
  return (
    <Dialog title={title} onClose={close} wide={wide}>
      {intro ? <div className="dialog-intro">{intro}</div> : null}
      <form onSubmit={send} className="form">
        {mutation.error && !(argumentOf(mutation.error) !== null && atField) ? (
          <ErrorNote error={mutation.error} />
        ) : null}
        {shown.map((field) => (
          <FormField
            key={field.name}
            field={field}
            value={values[field.name]}
            error={errorAt(mutation.error, field.path ?? field.name)}
            onChange={(value) => setValues((old) => ({ ...old, [field.name]: value }))}
          />
        ))}
        {children?.(values)}
        <div className="dialog-actions">
          <button type="button" className="button" onClick={close} disabled={mutation.isPending}>
            Cancel
          </button>
          <button
            type="submit"
            className={danger ? 'button button-danger' : 'button button-primary'}
            disabled={mutation.isPending}
          >
            {mutation.isPending ? busy : submit}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export function FormField<N extends string>({
  field,
  value,
  error,
  onChange,
}: {
  field: FieldSpec<N>;
  value: string;
  error: string | null;
  onChange: (value: string) => void;
}) {
  const change = (event: { target: { value: string } }) => onChange(event.target.value);
  if (field.kind === 'check') {
    return (
      <div className="field">
        <label className="check">
          <input
            type="checkbox"
            checked={value === 'yes'}
            onChange={(event) => onChange(event.target.checked ? 'yes' : '')}
          />
          {field.label}
        </label>
        {error ? (
          <p className="field-error" role="alert">
            {error}
          </p>
        ) : field.hint ? (
          <p className="field-hint">{field.hint}</p>
        ) : null}
      </div>
    );
  }
  if (field.kind === 'customer') {
    return (
      <CustomerField
        label={field.label}
        hint={field.hint}
        error={error}
        required={field.required ?? false}
        value={value}
        onChange={onChange}
      />
    );
  }
  if (field.kind === 'checks') {
    const ticked = value.split(' ').filter(Boolean);
    return (
      <fieldset>
        <legend>{field.label}</legend>
        {field.options.map((option) => (
          <label key={option} className="check">
            <input
              type="checkbox"
              checked={ticked.includes(option)}
              onChange={(event) =>
                onChange(
                  (event.target.checked ? [...ticked, option] : ticked.filter((one) => one !== option)).join(' '),
                )
              }
            />
            <code>{option}</code>
          </label>
        ))}
        {error ? (
          <p className="field-error" role="alert">
            {error}
          </p>
        ) : null}
      </fieldset>
    );
  }
  const list = `${field.name}-suggestions`;
  return (
    <Field label={field.label} hint={field.hint} error={error}>
      {(props) => {
        if (field.kind === 'select') {
          return (
            <select {...props} value={value} onChange={change}>
              {field.options.map((option) => (
                <option key={option.value} value={option.value}>
                  {option.label}
                </option>
              ))}
            </select>
          );
        }
        if (field.kind === 'textarea')
          return (
            <textarea
              {...props}
              rows={3}
              required={field.required}
              maxLength={field.maxLength}
              value={value}
              onChange={change}
            />
          );
        return (
          <>
            <input
              {...props}
              type={INPUT_TYPES[field.kind ?? 'text']}
              inputMode={field.kind === 'decimal' ? 'decimal' : field.kind === 'integer' ? 'numeric' : undefined}
              pattern={field.kind === 'decimal' ? DECIMAL_PATTERN : field.kind === 'integer' ? '[0-9]+' : undefined}
              title={field.kind === 'decimal' ? 'A decimal number with a point, such as 12.50' : undefined}
              step={field.kind === 'datetime' ? 900 : undefined}
              required={field.required}
              maxLength={field.maxLength}
              minLength={field.minLength}
              autoComplete={field.autoComplete ?? 'off'}
              spellCheck={false}
              list={field.suggestions ? list : undefined}
              value={value}
              onChange={change}
            />
            {field.suggestions ? (
              <datalist id={list}>
                {field.suggestions.map((one) => (
                  <option key={one} value={one} />
                ))}
              </datalist>
            ) : null}
          </>
        );
      }}
    </Field>
  );
}

/** As the API takes decimals: digits and a point. */
const DECIMAL_PATTERN = '-?[0-9]+([.][0-9]+)?';

const INPUT_TYPES = {
  text: 'text',
  email: 'email',
  password: 'password',
  decimal: 'text',
  integer: 'text',
  datetime: 'datetime-local',
} as const;

/** A text that was left empty is not stated. */
export function stated(value: string): string | null {
  const trimmed = value.trim();
  return trimmed === '' ? null : trimmed;
}

/** A whole number, or null where none is stated. */
export function statedCount(value: string): number | null {
  return stated(value) === null ? null : Number.parseInt(value, 10);
}

/** The instant that a `datetime` field states on the clock of the zone, for the API. */
export function statedInstant(value: string, timeZone: string): string | null {
  const instant = fromLocalField(value, timeZone);
  return instant === null ? null : new Date(instant).toISOString();
}

/** A question before something that cannot be taken back, or not by the same button. */
export function ConfirmDialog({
  title,
  children,
  submit,
  busy,
  danger = false,
  mutation,
  onConfirm,
  onClose,
}: {
  title: string;
  children: ReactNode;
  submit: string;
  busy?: string;
  danger?: boolean;
  mutation: Mutation;
  onConfirm: () => void;
  onClose: () => void;
}) {
  return (
    <FormDialog
      title={title}
      intro={children}
      fields={[]}
      initial={{}}
      submit={submit}
      {...(busy === undefined ? {} : { busy })}
      danger={danger}
      mutation={mutation}
      onSubmit={onConfirm}
      onClose={onClose}
    />
  );
}
