import { readProperties } from '../events/readProperties';

type Rule = {
  eventType: string;
  aggregation: string;
  property: string | null;
  filters: readonly { property: string; equals: string }[];
};
type Event = { type: string; properties: string };

/** A number as a meter measures it: up to 9 decimal places, below 10^15. */
const NUMBER = /^[+-]?\d{1,15}(\.\d{1,9})?$/;

/** Why a meter would not count an event; null when it would. */
export function whyNot(rule: Rule, event: Event): string | null {
  if (event.type !== rule.eventType) return `is of type ${event.type}`;
  const properties = new Map((readProperties(event.properties) ?? []).map(({ name, value }) => [name, value]));
  for (const { property, equals } of rule.filters) {
    const value = properties.get(property);
    if (value !== equals) return value === undefined ? `has no ${property}` : `has ${property} = ${value}`;
  }
  if (rule.aggregation === 'COUNT' || rule.property === null) return null;
  const value = properties.get(rule.property);
  if (value === undefined) return `has no ${rule.property}`;
  return rule.aggregation === 'UNIQUE_COUNT' || NUMBER.test(value)
    ? null
    : `${rule.property} = ${value} is not a number`;
}
