// Collects what the page loads into dist/: the packages' own files for browsers, unchanged, and the page.
import { copyFile, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const files = [
  'graphiql.html',
  'graphiql-start.js',
  'node_modules/graphiql/graphiql.min.css',
  'node_modules/graphiql/graphiql.min.js',
  'node_modules/react-dom/umd/react-dom.production.min.js',
  'node_modules/react/umd/react.production.min.js',
];

await mkdir(join(here, 'dist'), { recursive: true });
for (const file of files) await copyFile(join(here, file), join(here, 'dist', basename(file)));
