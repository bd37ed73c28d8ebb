/**
 * The sizes of the built JavaScript, compressed: what the first page loads, what each other page loads beyond that, and the embedded elements.
 * Fails over the budget. `npm run build` runs it.
 */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const KB = 1024;
const FIRST_PAGE = 180 * KB;
const OTHER_PAGE = 120 * KB;
const EMBED = 20 * KB;

const manifest = JSON.parse(readFileSync('dist/.vite/manifest.json', 'utf8'));
const sizes = new Map();
const sizeOf = (file) => {
  if (!sizes.has(file)) sizes.set(file, gzipSync(readFileSync(`dist/${file}`)).length);
  return sizes.get(file);
};

/** A chunk with everything that it imports at once. */
function closure(key, found = new Set()) {
  if (found.has(key)) return found;
  found.add(key);
  for (const next of manifest[key].imports ?? []) closure(next, found);
  return found;
}
const shell = closure('index.html');

/** With what it may load later too: a page's chart. */
function withLater(key, found = new Set()) {
  for (const each of closure(key)) {
    if (found.has(each)) continue;
    found.add(each);
    // What the shell may load later are the pages.
    if (!shell.has(each)) for (const next of manifest[each].dynamicImports ?? []) withLater(next, found);
  }
  return found;
}
const total = (keys) => [...keys].reduce((sum, key) => sum + sizeOf(manifest[key].file), 0);

const pages = manifest['index.html'].dynamicImports ?? [];
const start = pages.find((key) => key.includes('OverviewPage'));
const first = new Set([...shell, ...withLater(start)]);
let failed = false;
const report = (name, size, budget) => {
  const over = size > budget;
  failed ||= over;
  console.log(`${over ? 'OVER ' : '     '}${(size / KB).toFixed(1).padStart(6)} of ${budget / KB} KB  ${name}`);
};
report('first page (overview)', total(first), FIRST_PAGE);
for (const page of pages)
  if (page !== start)
    report(
      page.replace(/.*\/(\w+)\.tsx$/, '$1'),
      total([...withLater(page)].filter((key) => !first.has(key))),
      OTHER_PAGE,
    );
report('embedded elements', total(closure('src/embed/polaris.ts')), EMBED);
process.exitCode = failed ? 1 : 0;
