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
      'recharts',
    ],
  },
  build: {
    target: 'es2022',
  },
  test: {
    environment: 'jsdom',
    include: ['test/**/*.test.{ts,tsx}'],
    setupFiles: ['test/setup.ts'],
    restoreMocks: true,
    testTimeout: 30_000,
    // Far from UTC on purpose, so that a dependency on the machine's time zone makes a test fail.
    env: { TZ: 'Pacific/Auckland' },
  },
});
