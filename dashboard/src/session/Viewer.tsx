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

/** Who is signed in, and the org whose time zone everything is shown in. */
export function useViewer(): Viewer {
  const viewer = use(ViewerContext);
  if (!viewer) throw new Error('A page that needs the viewer is outside ViewerProvider.');
  return viewer;
}

/** Whether the viewer may change things; the API checks again. */
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
