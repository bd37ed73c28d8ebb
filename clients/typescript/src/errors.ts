import type { UsageEvent } from "./events.js";

/** A request that Polaris refused, or that never reached it. */
export class PolarisError extends Error {
  override name = "PolarisError";

  constructor(
    /** Polaris's stable code, such as `invalid_credentials`; `unreachable` when there was no answer. */
    readonly code: string,
    message: string,
    /** The HTTP status; 0 when there was no answer. */
    readonly status: number,
  ) {
    super(message);
  }
}

/** An event that was not stored: it is invalid, conflicts with an earlier one, or could not be sent in time. */
export class EventError extends PolarisError {
  override name = "EventError";

  constructor(
    code: string,
    message: string,
    status: number,
    /** As it was sent: with its key, so that it can be sent again. */
    readonly event: UsageEvent,
    /** The invalid field, when one is. */
    readonly field?: string,
  ) {
    super(code, message, status);
  }
}

/** `track` when as many events wait as `maxBuffered` allows. The event was not taken. */
export class BufferFullError extends Error {
  override name = "BufferFullError";
}

/** A GraphQL answer with errors. What was answered beside them is in `data`. */
export class GraphQLRequestError extends PolarisError {
  override name = "GraphQLRequestError";

  constructor(
    readonly errors: readonly { message: string; path?: (string | number)[]; extensions?: { code?: string } }[],
    readonly data: unknown,
    status: number,
  ) {
    super(errors[0]?.extensions?.code ?? "graphql_error", errors[0]?.message ?? "The answer has no data.", status);
  }
}
