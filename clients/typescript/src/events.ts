import { randomUUID } from "node:crypto";
import type { components } from "./openapi.js";

type WireEvent = components["schemas"]["Event"];

/** One usage fact. What is left out is filled in when it is tracked, so that sending it again sends the same. */
export interface UsageEvent {
  /** Meters select events by it; 1 to 255 characters. Needed unless the event corrects another. */
  type?: string;
  /** Your own key of the customer; `_self`, your organization itself, by default. */
  customer?: string;
  /** What meters measure; at most 64. Send decimals that a double cannot hold as strings. */
  properties?: Record<string, string | number | boolean>;
  /** A random UUID by default. Give your own, such as a request's id, to count once over restarts too. */
  idempotencyKey?: string;
  /** Now by default. */
  timestamp?: Date | string;
  /** The key of an earlier event that is no longer to be counted. */
  voids?: string;
  /** The key of an earlier event in whose place this one is counted. */
  replaces?: string;
}

/** What Polaris holds of an event: it is stored, and will be counted. */
export interface Receipt {
  idempotencyKey: string;
  /** `duplicate`: it was stored before, and counts once. */
  status: "accepted" | "duplicate";
}

export type StampedEvent = UsageEvent & { idempotencyKey: string };

/** Fixes what is left to default: a retry must send the same content. */
export function stamp(event: UsageEvent, now: () => Date): StampedEvent {
  const timestamp = event.timestamp ?? (event.voids || event.replaces ? undefined : now());
  return {
    ...event,
    ...(event.properties ? { properties: { ...event.properties } } : {}),
    idempotencyKey: event.idempotencyKey ?? randomUUID(),
    ...(timestamp === undefined ? {} : { timestamp: typeof timestamp === "string" ? timestamp : timestamp.toISOString() }),
  };
}

/** The event's JSON. `JSON.stringify` leaves out what is undefined. */
export function toJson(event: StampedEvent): string {
  const { idempotencyKey, timestamp, ...rest } = event;
  return JSON.stringify({ idempotency_key: idempotencyKey, ...rest, timestamp } as WireEvent);
}
