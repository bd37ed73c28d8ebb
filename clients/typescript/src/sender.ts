import { BufferFullError, EventError } from "./errors.js";
import { stamp, toJson, type Receipt, type StampedEvent, type UsageEvent } from "./events.js";
import type { components } from "./openapi.js";

type IngestResponse = components["schemas"]["IngestResponse"];
type Problem = components["schemas"]["Problem"];

/** Half of what a request may have, so that a batch is stored in one turn. */
const MaxEvents = 500;
/** A fifth of what a request may have. */
const MaxBytes = 1_048_576;
const FirstPause = 200;
const LongestPause = 30_000;
/** Refusals of a request that end by themselves. */
const Passing = new Set([408, 429, 500, 502, 503, 504]);

export interface SenderOptions {
  post: (body: string, atMost: number) => Promise<Response>;
  maxBuffered: number;
  linger: number;
  giveUpAfter: number;
  onError: (error: EventError) => void;
}

interface Waiting {
  event: StampedEvent;
  json: string;
  bytes: number;
  /** When it is given up, by `performance.now()`. */
  until: number;
  settle: (outcome: Receipt | EventError) => void;
}

/** A bounded buffer, emptied by one request at a time: events of a customer arrive in the order they were taken. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #queue: Waiting[] = [];
  readonly #room: (() => void)[] = [];
  /** Events taken that are not settled. */
  #taken = 0;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Ends the linger. */
  #flushing = false;
  #closed = false;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  track(event: UsageEvent): string {
    this.#refuseWhenClosed();
    if (this.#taken >= this.#options.maxBuffered)
      throw new BufferFullError(`${this.#options.maxBuffered} events wait to be sent already (maxBuffered).`);
    return this.#take(event, (outcome) => {
      if (outcome instanceof EventError) this.#options.onError(outcome);
    });
  }

  async send(event: UsageEvent): Promise<Receipt> {
    this.#refuseWhenClosed();
    const stamped = stamp(event, () => new Date());
    while (this.#taken >= this.#options.maxBuffered) await new Promise<void>((resolve) => this.#room.push(resolve));
    return new Promise((resolve, reject) =>
      this.#take(stamped, (outcome) => (outcome instanceof EventError ? reject(outcome) : resolve(outcome))),
    );
  }

  async flush(): Promise<void> {
    this.#flushing = true;
    try {
      // Who waits for room comes in as others leave.
      while (this.#taken > 0 || this.#room.length > 0) {
        this.#start();
        await this.#running;
      }
    } finally {
      this.#flushing = false;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
  }

  #refuseWhenClosed() {
    if (this.#closed) throw new Error("This client is closed.");
  }

  #take(event: UsageEvent, settle: Waiting["settle"]): string {
    const stamped = stamp(event, () => new Date());
    const json = toJson(stamped);
    this.#taken++;
    this.#queue.push({
      event: stamped,
      json,
      bytes: Buffer.byteLength(json) + 1,
      until: performance.now() + this.#options.giveUpAfter,
      settle: (outcome) => {
        this.#taken--;
        this.#room.shift()?.();
        settle(outcome);
      },
    });
    if (this.#flushing || this.#queue.length >= MaxEvents) this.#start();
    else if (!this.#running && !this.#timer) {
      this.#timer = setTimeout(() => this.#start(), this.#options.linger);
      // `beforeExit` sends what waits, so waiting need not keep the process.
      this.#timer.unref();
    }
    return stamped.idempotencyKey;
  }

  #start() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async #run(): Promise<void> {
    for (let batch = this.#next(); batch.length > 0; batch = this.#next()) await this.#sendBatch(batch);
  }

  #next(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { bytes: more } of this.#queue) {
      if (count === MaxEvents || (count > 0 && bytes + more > MaxBytes)) break;
      bytes += more;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  /** Until each of its events is stored, refused or given up. */
  async #sendBatch(batch: Waiting[]): Promise<void> {
    for (let pause = FirstPause; ; pause = Math.min(pause * 2, LongestPause)) {
      const outcome = await this.#try(batch);
      if (outcome === "settled") return;
      const left = Math.max(...batch.map((waiting) => waiting.until)) - performance.now();
      // Half of the pause is random, so that many clients do not come back at once.
      const wait = Math.max(outcome.retryAfter, pause * (0.5 + Math.random() / 2));
      if (wait >= left) {
        for (const { event, settle } of batch) settle(new EventError(outcome.code, outcome.message, outcome.status, event));
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  async #try(batch: Waiting[]): Promise<"settled" | { retryAfter: number; code: string; message: string; status: number }> {
    let response: Response;
    let body: unknown;
    try {
      const left = Math.max(...batch.map((waiting) => waiting.until)) - performance.now();
      response = await this.#options.post(`[${batch.map((waiting) => waiting.json).join(",")}]`, left);
      body = await response.json();
    } catch (error) {
      // Whether anything was stored is unknown: the same keys make it safe to send them again.
      return { retryAfter: 0, code: "unreachable", message: error instanceof Error ? error.message : String(error), status: 0 };
    }
    if (isIngestResponse(body)) {
      settle(batch, body, response.status);
      return "settled";
    }
    const problem = (body ?? {}) as Partial<Problem>;
    const refusal = {
      code: problem.code ?? "unexpected_answer",
      message: problem.detail ?? problem.title ?? `Polaris answered ${response.status}.`,
      status: response.status,
    };
    if (Passing.has(response.status)) return { ...refusal, retryAfter: 1000 * (Number(response.headers.get("retry-after")) || 0) };
    for (const { event, settle } of batch) settle(new EventError(refusal.code, refusal.message, refusal.status, event));
    return "settled";
  }
}

function isIngestResponse(body: unknown): body is IngestResponse {
  return typeof body === "object" && body !== null && Array.isArray((body as { results?: unknown }).results);
}

function settle(batch: Waiting[], response: IngestResponse, status: number) {
  const results = new Map(response.results.map((result) => [result.index, result]));
  for (const [index, { event, settle }] of batch.entries()) {
    const result = results.get(index);
    if (result?.status === "accepted" || result?.status === "duplicate")
      settle({ idempotencyKey: event.idempotencyKey, status: result.status });
    else
      settle(
        new EventError(result?.code ?? "unexpected_answer", result?.message ?? "Polaris did not name it.", status, event, result?.field),
      );
  }
}
