import { EMAIL, PASSWORD, startFakeGateway } from './server.mjs';

const { url } = await startFakeGateway({ port: Number(process.env.PORT ?? 8090) });
console.log(`Fake Polaris at ${url} (${EMAIL} / ${PASSWORD})`);
