/** Runs the end-to-end tests against the fake gateway, which tests the dashboard in isolation. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EMAIL, PASSWORD, startFakeGateway } from '../test/fake-server/server.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'polaris-dashboard-'));
const endpoints = join(folder, 'endpoints.json');
writeFileSync(endpoints, JSON.stringify({ demo: { email: EMAIL, password: PASSWORD } }));
const gateway = await startFakeGateway();

const tests = spawn(process.execPath, ['--test', '--test-reporter=spec', join(here, 'dashboard.e2e.mjs')], {
  stdio: 'inherit',
  env: { ...process.env, POLARIS_URL: gateway.url, POLARIS_ENDPOINTS: endpoints },
});
tests.on('exit', async (code) => {
  await gateway.close();
  rmSync(folder, { recursive: true });
  process.exit(code ?? 1);
});
