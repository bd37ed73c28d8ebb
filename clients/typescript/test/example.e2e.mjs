// The example against a running Polaris: POLARIS_ENDPOINTS is the local run's endpoints.json.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { promisify } from "node:util";

const endpoints = JSON.parse(readFileSync(process.env.POLARIS_ENDPOINTS, "utf8"));

test("the TypeScript example sends a thousand events, and the graph shows them", async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [new URL("../examples/send.mjs", import.meta.url).pathname], {
    env: { ...process.env, POLARIS_URL: endpoints.resources.gateway.urls[0], POLARIS_API_KEY: endpoints.demo.apiKey },
  });
  assert.equal(stderr, "", "an event was not stored");
  assert.match(stdout, /api_call/);
});
