/** Draws the picture of the README, docs/dashboard.svg: an invoice of the fake gateway, explained. Needs `npm run build` and pdftocairo (Poppler). */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EMAIL, PASSWORD, startFakeGateway } from '../test/fake-server/server.mjs';
import { launch } from './chromium.mjs';

const [width, height] = [1280, 860];
const gateway = await startFakeGateway({ built: true });
const browser = await launch();
const page = await browser.newPage({ viewport: { width, height }, locale: 'en-US' });
await page.goto(gateway.url);
await page.getByRole('button', { name: 'Sign in' }).click();
await page.fill('input[name=email]', EMAIL);
await page.fill('input[name=password]', PASSWORD);
await page.click('button[type=submit]');
await page.getByRole('heading', { level: 1 }).waitFor();
await page.goto(new URL('/invoices/00000000-0000-7000-8000-000000001045', gateway.url).href);
await page.getByRole('button', { name: 'Explain API calls' }).click();
await page.getByRole('cell', { name: 'Above 400', exact: true }).waitFor();
await page.emulateMedia({ media: 'screen' });

const folder = mkdtempSync(join(tmpdir(), 'polaris-picture-'));
const [pdf, svg] = [join(folder, 'page.pdf'), join(folder, 'page.svg')];
await page.pdf({ path: pdf, width: `${width}px`, height: `${height}px`, printBackground: true, pageRanges: '1' });
execFileSync('pdftocairo', ['-svg', pdf, svg]);
// In outlines two digits of a point are enough, and make the file half as large; scales need all of theirs.
const outline = (path) => path.replace(/(\d+\.\d{2})\d+/g, '$1');
writeFileSync('../docs/dashboard.svg', readFileSync(svg, 'utf8').replace(/ d="[^"]*"/g, outline));
rmSync(folder, { recursive: true });
await browser.close();
await gateway.close();
