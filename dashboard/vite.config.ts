import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [react()],
  server: {
    // The gateway proxies to this server under the service's name. localhost and IP addresses are always allowed;
    // an installation with another host name lists it here.
    allowedHosts: ['dashboard', ...(process.env.DASHBOARD_ALLOWED_HOSTS?.split(',').filter(Boolean) ?? [])],
  },
  optimizeDeps: {
    // Optimized at start, not on first use: a late optimization reloads the page.
    include: [
      'react',
      'react-dom/client',
      'react/jsx-runtime',
      'react/jsx-dev-runtime',
      'react-router',
      '@tanstack/react-query',
      '@base-ui/react/autocomplete',
      '@base-ui/react/dialog',
      '@base-ui/react/menu',
      '@visx/axis',
      '@visx/scale',
      '@visx/shape',
      'big.js',
      'uqr',
    ],
  },
  build: {
    target: 'es2022',
    manifest: true,
    rolldownOptions: {
      input: {
        index: 'index.html',
        portal: 'embed/portal.html',
        sample: 'embed/sample.html',
        polaris: 'src/embed/polaris.ts',
      },
      // The name is what products write into their pages.
      output: {
        entryFileNames: (chunk) => (chunk.name === 'polaris' ? 'embed/polaris.js' : 'assets/[name]-[hash].js'),
      },
      // The entry defines the elements; nothing else may be dropped from it.
      preserveEntrySignatures: 'allow-extension',
    },
  },
  test: {
    environment: 'jsdom',
    include: ['test/**/*.test.{ts,tsx}'],
    setupFiles: ['test/setup.ts'],
    restoreMocks: true,
    testTimeout: 60_000,
    // Far from UTC on purpose, so that a dependency on the machine's time zone makes a test fail.
    env: { TZ: 'Pacific/Auckland' },
  },
});
