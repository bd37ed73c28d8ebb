import { defineConfig } from 'vitest/config';

// Reached through the gateway, which passes every unknown path here; API calls go to the page's own origin.
export default defineConfig({
  server: { hmr: { overlay: false } },
  build: { outDir: 'dist', sourcemap: true },
  // Found at the first request otherwise, which then takes seconds.
  optimizeDeps: { include: ['react', 'react-dom/client', 'react-router', 'oidc-client-ts', '@tanstack/react-query', 'recharts'] },
  test: { environment: 'jsdom', include: ['test/**/*.test.{ts,tsx}'] },
});
