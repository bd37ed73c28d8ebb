export { Polaris, type PolarisOptions } from "./polaris.js";
export { BufferFullError, EventError, GraphQLRequestError, PolarisError } from "./errors.js";
export type { Receipt, UsageEvent } from "./events.js";
