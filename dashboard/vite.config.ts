import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [react()],
  server: {
    // The gateway proxies to this server under the service's name. localhost and addresses are allowed anyway;
    // an installation with a host name of its own lists it here.
    allowedHosts: ['dashboard', ...(process.env.DASHBOARD_ALLOWED_HOSTS?.split(',').filter(Boolean) ?? [])],
  },
  optimizeDeps: {
    // Found at start, not on first use: a late find reloads the page, and a reload in the middle of sign-in loses the code.
    include: [
      'react',
      'react-dom/client',
      'react/jsx-runtime',
      'react/jsx-dev-runtime',
      'react-router',
      'oidc-client-ts',
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
    // A day away from UTC on purpose: what depends on the machine's zone shows itself.
    env: { TZ: 'Pacific/Auckland' },
  },
});
