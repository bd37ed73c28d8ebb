export type FakePolaris = {
  root: Record<string, (variables: Record<string, unknown>) => unknown>;
  viewer: { email: string | null; role: string | null; scopes: string[]; org: { name: string; timeZone: string } };
  services: { name: string; healthy: boolean; answer: string | null }[];
  refuse: Map<string, { code: string; message: string; rule?: string; path?: string }>;
  calls: { field: string; variables: Record<string, unknown> }[];
  execute: (body: { query: string; variables?: Record<string, unknown> }) => Promise<unknown>;
};

export function createPolaris(options?: { now?: () => number; empty?: boolean }): FakePolaris;
