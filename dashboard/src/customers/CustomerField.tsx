import { Autocomplete } from '@base-ui/react/autocomplete';
import { useDeferredValue, useId, useState, type ReactNode } from 'react';
import { useRead } from '../api/hooks';
import { popupPlace } from '../ui/popupPlace';
import { CUSTOMERS } from './queries';

/** Maximum number of suggestions. */
const SUGGESTIONS = 20;

/**
 * A customer by key, with suggestions from the API. Any key may be typed: events may name a customer that does not exist yet.
 */
export function CustomerField({
  value,
  onChange,
  onCommit,
  label = 'Customer',
  hint,
  error,
  required = false,
  placeholder,
}: {
  value: string;
  onChange: (text: string) => void;
  /** When a suggestion is chosen, Enter is pressed or the field is left. */
  onCommit?: (text: string) => void;
  label?: string;
  hint?: ReactNode;
  error?: string | null;
  required?: boolean;
  placeholder?: string;
}) {
  const id = useId();
  const search = useDeferredValue(value.trim());
  const { data } = useRead(
    CUSTOMERS,
    { first: SUGGESTIONS, after: null, search: search || null },
    { keepPrevious: true },
  );
  const customers = data?.customers.nodes ?? [];
  const note = error ?? hint;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <Autocomplete.Root
        items={customers}
        itemToStringValue={(customer) => customer.key}
        filter={null}
        value={value}
        onValueChange={(text, { reason }) => {
          onChange(text);
          if (reason === 'item-press' || text === '') onCommit?.(text);
        }}
      >
        <Autocomplete.Input
          id={id}
          aria-describedby={note ? `${id}-note` : undefined}
          aria-invalid={error ? true : undefined}
          placeholder={placeholder}
          required={required}
          spellCheck={false}
          onBlur={() => onCommit?.(value.trim())}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && onCommit) {
              event.preventDefault();
              onCommit(event.currentTarget.value.trim());
            }
          }}
        />
        <Autocomplete.Portal container={onCommit ? popupPlace() : undefined}>
          <Autocomplete.Positioner sideOffset={4} className="menu-place">
            <Autocomplete.Popup className="menu">
              <Autocomplete.List>
                {(customer: (typeof customers)[number]) => (
                  <Autocomplete.Item key={customer.id} value={customer} className="menu-item">
                    {customer.name} <code className="soft">{customer.key}</code>
                  </Autocomplete.Item>
                )}
              </Autocomplete.List>
            </Autocomplete.Popup>
          </Autocomplete.Positioner>
        </Autocomplete.Portal>
      </Autocomplete.Root>
      {note ? (
        <p id={`${id}-note`} className={error ? 'field-error' : 'field-hint'} role={error ? 'alert' : undefined}>
          {note}
        </p>
      ) : null}
    </div>
  );
}

/** A filter: applied when the choice is made, not with every letter. */
export function CustomerFilter({ value, onChange }: { value: string; onChange: (key: string) => void }) {
  const [draft, setDraft] = useState({ from: value, text: value });
  // The value may also change from outside (the address bar, a link), which replaces the typed text.
  const text = draft.from === value ? draft.text : value;
  return (
    <CustomerField
      value={text}
      placeholder="All customers"
      onChange={(typed) => setDraft({ from: value, text: typed })}
      onCommit={(key) => {
        if (key !== value) onChange(key);
      }}
    />
  );
}
