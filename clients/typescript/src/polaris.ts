import { EventError, GraphQLRequestError, PolarisError } from "./errors.js";
import type { Receipt, UsageEvent } from "./events.js";
import { Sender } from "./sender.js";

export interface PolarisOptions {
  /** The public address, such as `https://polaris.example.com`. */
  url: string;
  /** An API key: scope `ingest` to send events, `read` to ask. */
  apiKey: string;
  /** How many events may wait; `track` throws beyond it, `send` waits. 10,000 by default. */
  maxBuffered?: number;
  /** How long an event waits for others to share its request, in milliseconds. 1,000 by default. */
  linger?: number;
  /** How long an event is tried to be sent, in milliseconds. Ten minutes by default. */
  giveUpAfter?: number;
  /** How long a request may take, in milliseconds. 30 seconds by default. */
  timeout?: number;
  /** Told of each tracked event that was not stored. Writes to the console by default. */
  onError?: (error: EventError) => void;
}

/** Sends usage events in batches, and asks the graph. One for the life of the process; `close` it at the end. */
export class Polaris {
  readonly #url: string;
  readonly #apiKey: string;
  readonly #timeout: number;
  readonly #sender: Sender;
  readonly #atExit: () => void;

  constructor(options: PolarisOptions) {
    this.#url = options.url.replace(/\/+$/, "");
    this.#apiKey = options.apiKey;
    this.#timeout = options.timeout ?? 30_000;
    this.#sender = new Sender({
      post: (body, atMost) => this.#post("/ingest?receipts=all", body, atMost),
      maxBuffered: options.maxBuffered ?? 10_000,
      linger: options.linger ?? 1_000,
      giveUpAfter: options.giveUpAfter ?? 600_000,
      onError: options.onError ?? ((error) => console.error(`polaris: ${error.event.idempotencyKey} was not stored: ${error.message}`)),
    });
    // A process that ends by itself still sends what it tracked. One that is ended must `close`.
    this.#atExit = () => void this.flush();
    process.on("beforeExit", this.#atExit);
  }

  /**
   * Takes an event to be sent soon, and returns at once with its key. What becomes of it is told to `onError` only.
   * Throws `BufferFullError` when too many wait.
   */
  track(event: UsageEvent): string {
    return this.#sender.track(event);
  }

  /** Sends an event, in one request with others, and waits until it is stored. Throws `EventError`. */
  send(event: UsageEvent): Promise<Receipt> {
    return this.#sender.send(event);
  }

  /** Sends what waits now, and waits until all of it is stored or was told to `onError`. */
  flush(): Promise<void> {
    return this.#sender.flush();
  }

  /** Takes no more events, and sends those that wait. */
  async close(): Promise<void> {
    process.off("beforeExit", this.#atExit);
    await this.#sender.close();
  }

  /** Asks the graph. Throws `GraphQLRequestError` when the answer has errors. */
  async query<T = Record<string, unknown>>(document: string, variables?: Record<string, unknown>): Promise<T> {
    const response = await this.#post("/graphql", JSON.stringify({ query: document, variables }), this.#timeout);
    const answer = (await response.json().catch(() => undefined)) as
      { data?: T | null; errors?: ConstructorParameters<typeof GraphQLRequestError>[0] } | undefined;
    if (answer?.errors?.length) throw new GraphQLRequestError(answer.errors, answer.data, response.status);
    if (!answer?.data) throw new PolarisError("unexpected_answer", `Polaris answered ${response.status}.`, response.status);
    return answer.data;
  }

  #post(path: string, body: string, atMost: number): Promise<Response> {
    return fetch(this.#url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#apiKey}`, "content-type": "application/json" },
      body,
      signal: AbortSignal.timeout(Math.max(1, Math.min(this.#timeout, atMost))),
    });
  }
}
