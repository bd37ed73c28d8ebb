import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { BufferFullError, EventError, GraphQLRequestError, Polaris, type PolarisOptions } from "../src/index.js";

interface Sent {
  idempotency_key: string;
  type?: string;
  timestamp?: string;
  properties?: Record<string, unknown>;
}

type Answer = { status: number; body: unknown; headers?: Record<string, string> } | "hang up";

/** Answers as Polaris does: each key once, the rest are duplicates. */
class Ingest {
  readonly requests: Sent[][] = [];
  readonly stored = new Map<string, string>();
  /** Answers for the next requests; then it stores. */
  readonly next: (Answer | ((events: Sent[]) => Answer))[] = [];
  #server: Server | undefined;

  async start(): Promise<string> {
    this.#server = createServer((request, response) => {
      void read(request).then((text) => {
        const events = JSON.parse(text) as Sent[];
        this.requests.push(events);
        const planned = this.next.shift() ?? this.store(events);
        const answer = typeof planned === "function" ? planned(events) : planned;
        if (answer === "hang up") return response.destroy();
        response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
        response.end(JSON.stringify(answer.body));
      });
    });
    await new Promise<void>((resolve) => this.#server!.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  store(events: Sent[]): Answer {
    const results = events.map((event, index) => {
      const known = this.stored.get(event.idempotency_key);
      const content = JSON.stringify(event);
      if (known !== undefined && known !== content)
        return { index, idempotency_key: event.idempotency_key, status: "conflict", code: "conflict", message: "Different content." };
      this.stored.set(event.idempotency_key, content);
      return { index, idempotency_key: event.idempotency_key, status: known === undefined ? "accepted" : "duplicate" };
    });
    return { status: 202, body: { accepted: 0, duplicates: 0, conflicts: 0, rejected: 0, late: 0, results } };
  }

  stop() {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }
}

function read(request: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => resolve(text));
  });
}

let ingest: Ingest;
const opened: Polaris[] = [];

async function open(options: Partial<PolarisOptions> = {}): Promise<Polaris> {
  ingest = new Ingest();
  const polaris = new Polaris({ url: await ingest.start(), apiKey: "key", linger: 5, ...options });
  opened.push(polaris);
  return polaris;
}

afterEach(async () => {
  for (const polaris of opened.splice(0)) await polaris.close();
  ingest.stop();
});

test("tracked events share requests, in the order they came, at most 500 in one", async () => {
  const polaris = await open();
  const keys = Array.from({ length: 1200 }, () => polaris.track({ type: "call" }));
  await polaris.flush();
  expect(ingest.requests.map((events) => events.length)).toEqual([500, 500, 200]);
  expect(ingest.requests.flat().map((event) => event.idempotency_key)).toEqual(keys);
});

test("a request that fails is sent again with the same keys and the same content", async () => {
  const polaris = await open();
  // Stored, but the answer is lost.
  ingest.next.push((events) => (ingest.store(events), "hang up"));
  ingest.next.push({ status: 503, body: { code: "storage_unavailable" }, headers: { "retry-after": "0" } });
  const receipt = await polaris.send({ type: "call", properties: { bytes: 1 } });
  expect(receipt.status).toBe("duplicate");
  expect(ingest.requests).toHaveLength(3);
  expect(new Set(ingest.requests.map((events) => JSON.stringify(events))).size).toBe(1);
  expect(ingest.requests[0]![0]!.timestamp).toBeDefined();
  expect(ingest.stored.size).toBe(1);
});

test("Retry-After is kept", async () => {
  const polaris = await open();
  ingest.next.push({ status: 429, body: { code: "rate_limited" }, headers: { "retry-after": "1" } });
  const before = performance.now();
  await polaris.send({ type: "call" });
  expect(performance.now() - before).toBeGreaterThan(990);
});

test("a rejected event is told with field and rule, and its neighbours are stored", async () => {
  const errors: EventError[] = [];
  const polaris = await open({ onError: (error) => errors.push(error) });
  ingest.next.push((events) => {
    const answer = ingest.store(events) as { status: number; body: { results: object[] } };
    answer.body.results[1] = { index: 1, idempotency_key: "b", status: "rejected", code: "too_long", field: "type", message: "Too long." };
    return answer;
  });
  polaris.track({ type: "call", idempotencyKey: "a" });
  polaris.track({ type: "x".repeat(300), idempotencyKey: "b" });
  const stored = polaris.send({ type: "call", idempotencyKey: "c" });
  expect(await stored).toEqual({ idempotencyKey: "c", status: "accepted" });
  await polaris.flush();
  expect(errors.map(({ code, field, event }) => [code, field, event.idempotencyKey])).toEqual([["too_long", "type", "b"]]);
});

test("a refused request is not tried again, and each of its events is told", async () => {
  const errors: EventError[] = [];
  const polaris = await open({ onError: (error) => errors.push(error) });
  ingest.next.push({ status: 401, body: { code: "invalid_credentials", title: "The API key is not known." } });
  polaris.track({ type: "call" });
  await expect(polaris.send({ type: "call" })).rejects.toMatchObject({ code: "invalid_credentials", status: 401 });
  expect(errors).toHaveLength(1);
  expect(ingest.requests).toHaveLength(1);
});

test("the buffer is bounded: track refuses, send waits for room", async () => {
  const polaris = await open({ maxBuffered: 2, linger: 60_000 });
  polaris.track({ type: "call" });
  polaris.track({ type: "call" });
  expect(() => polaris.track({ type: "call" })).toThrow(BufferFullError);
  const third = polaris.send({ type: "call", idempotencyKey: "third" });
  await polaris.flush();
  expect(await third).toEqual({ idempotencyKey: "third", status: "accepted" });
  expect(ingest.stored.size).toBe(3);
});

test("an event that cannot be sent in time is given back with its key", async () => {
  const polaris = await open({ giveUpAfter: 50 });
  ingest.next.push("hang up", "hang up", "hang up");
  const sent = polaris.send({ type: "call", idempotencyKey: "mine" });
  await expect(sent).rejects.toMatchObject({ code: "unreachable", event: { idempotencyKey: "mine" } });
});

test("what is changed after it was tracked does not change the event", async () => {
  const polaris = await open();
  const properties = { bytes: 1 };
  polaris.track({ type: "call", properties });
  properties.bytes = 2;
  await polaris.flush();
  expect(ingest.requests[0]![0]!.properties).toEqual({ bytes: 1 });
});

test("a closed client has sent everything and takes nothing more", async () => {
  const polaris = await open({ linger: 60_000 });
  polaris.track({ type: "call" });
  await polaris.close();
  expect(ingest.stored.size).toBe(1);
  expect(() => polaris.track({ type: "call" })).toThrow(/closed/);
});

test("errors of the graph carry their code and what was answered beside them", async () => {
  const polaris = await open();
  ingest.next.push({ status: 200, body: { data: { a: 1, b: null }, errors: [{ message: "No.", extensions: { code: "not_found" } }] } });
  const asked = polaris.query("{ a b }");
  await expect(asked).rejects.toBeInstanceOf(GraphQLRequestError);
  await expect(asked).rejects.toMatchObject({ code: "not_found", data: { a: 1, b: null } });
});
