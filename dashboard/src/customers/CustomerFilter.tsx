import { useDeferredValue, useId, useState } from 'react';
import { useRead } from '../api/hooks';
import type { Customer, Page } from '../api/schema';
import { CUSTOMERS } from './queries';

/** Maximum number of suggestions. */
const SUGGESTIONS = 20;

/**
 * Selects a customer by key, with suggestions from the API. Any key may be typed: events may name a customer that does
 * not exist yet.
 */
export function CustomerFilter({ value, onChange }: { value: string; onChange: (key: string) => void }) {
  const id = useId();
  const [draft, setDraft] = useState({ from: value, text: value });
  // The value may also change from outside (the address bar, a link), which replaces the typed text.
  const text = draft.from === value ? draft.text : value;
  const search = useDeferredValue(text.trim());
  const { data } = useRead<{ customers: Page<Customer> }>(
    CUSTOMERS,
    { first: SUGGESTIONS, after: null, search: search || null },
    { keepPrevious: true },
  );
  const suggestions = data?.customers.nodes ?? [];
  const commit = (key: string) => {
    if (key !== value) onChange(key);
  };

  return (
    <div className="field">
      <label htmlFor={id}>Customer</label>
      <input
        id={id}
        type="search"
        list={`${id}-list`}
        placeholder="All customers"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          const typed = event.target.value;
          setDraft({ from: value, text: typed });
          // Choosing a suggestion, or clearing the field, applies without Enter.
          if (typed === '' || suggestions.some(({ key }) => key === typed)) commit(typed);
        }}
        onBlur={() => commit(text.trim())}
        onKeyDown={(event) => {
          if (event.key === 'Enter') {
            event.preventDefault();
            commit(text.trim());
          }
        }}
      />
      <datalist id={`${id}-list`}>
        {suggestions.map((customer) => (
          <option key={customer.id} value={customer.key}>
            {customer.name}
          </option>
        ))}
      </datalist>
    </div>
  );
}
