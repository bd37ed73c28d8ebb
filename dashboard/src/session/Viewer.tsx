import { createContext, use, type ReactNode } from 'react';
import type { MeQuery } from '../api/generated';
import { graphql } from '../api/graphql';
import { useRead } from '../api/hooks';
import { Loaded } from '../ui/states';
import { useSession } from './SessionContext';

export const ME = graphql(/* GraphQL */ `
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
        sandbox
      }
    }
  }
`);

export type Viewer = MeQuery['me'];

const ViewerContext = createContext<Viewer | null>(null);

/** The signed-in user, and the org, in whose time zone times are shown. */
export function useViewer(): Viewer {
  const viewer = use(ViewerContext);
  if (!viewer) throw new Error('This component must be inside ViewerProvider.');
  return viewer;
}

/** What docs/authorization.md allows by scope. `admin` implies `billing`; the API enforces it. */
export type Right = 'billing' | 'admin';

export function useMay(right: Right): boolean {
  const { scopes } = useViewer();
  return scopes.includes('admin') || scopes.includes(right);
}

/** Mutations that the API allows to owners only. */
export function useIsOwner(): boolean {
  return useViewer().role === 'owner';
}

/** Whether the person operates the installation, and so sees its page. */
export function useOperates(): boolean {
  const { scopes } = useViewer();
  return scopes.includes('platform.read') || scopes.includes('platform');
}

/** A person who only operates the installation is in no org, and sees none of the pages about one. */
export function useInOrg(): boolean {
  return useViewer().org.id !== NO_ORG.id;
}

const NO_ORG = { id: '', name: 'Installation', currency: '', timeZone: 'UTC', sandbox: false };

export function useTimeZone(): string {
  return useViewer().org.timeZone;
}

export function ViewerProvider({ children }: { children: ReactNode }) {
  const { user } = useSession();
  if (user === null || user.inOrg) return <Member>{children}</Member>;
  const { email, scopes } = user;
  return (
    <ViewerContext value={{ userId: null, email, role: null, scopes: [...scopes], org: NO_ORG }}>
      {children}
    </ViewerContext>
  );
}

function Member({ children }: { children: ReactNode }) {
  const result = useRead(ME, {});
  return (
    <Loaded result={result} what="your account">
      {({ me }) => <ViewerContext value={me}>{children}</ViewerContext>}
    </Loaded>
  );
}
