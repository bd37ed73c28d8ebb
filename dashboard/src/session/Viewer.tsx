import { createContext, use, type ReactNode } from 'react';
import { useRead } from '../api/hooks';
import type { Viewer } from '../api/schema';
import { Loaded } from '../ui/states';

export const ME = /* GraphQL */ `
  query Me {
    me {
      userId
      email
      role
      scopes
      org {
        id
        name
        currency
        timeZone
      }
    }
  }
`;

const ViewerContext = createContext<Viewer | null>(null);

/** The signed-in user, and the org, in whose time zone times are shown. */
export function useViewer(): Viewer {
  const viewer = use(ViewerContext);
  if (!viewer) throw new Error('This component must be inside ViewerProvider.');
  return viewer;
}

/** Whether the viewer may make changes; the API enforces it. */
export function useMayChange(): boolean {
  return useViewer().scopes.includes('admin');
}

export function useTimeZone(): string {
  return useViewer().org.timeZone;
}

export function ViewerProvider({ children }: { children: ReactNode }) {
  const result = useRead<{ me: Viewer }>(ME);
  return (
    <Loaded result={result} what="your account">
      {({ me }) => <ViewerContext value={me}>{children}</ViewerContext>}
    </Loaded>
  );
}
