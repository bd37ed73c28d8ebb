// node examples/send.mjs, with POLARIS_URL and POLARIS_API_KEY (scopes ingest and read) in the environment.
import { Polaris } from "../dist/index.js";

const polaris = new Polaris({ url: process.env.POLARIS_URL, apiKey: process.env.POLARIS_API_KEY });
for (let i = 0; i < 1000; i++) polaris.track({ type: "api_call", customer: "acme", properties: { bytes: 512 } });
await polaris.flush();
const { recentEvents } = await polaris.query("{ recentEvents(limit: 3) { type customerKey } }");
console.log(recentEvents);
await polaris.close();
