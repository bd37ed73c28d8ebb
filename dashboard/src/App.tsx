import type { QueryClient } from '@tanstack/react-query';
import { lazy } from 'react';
import { Navigate, Route, Routes, useLocation } from 'react-router';
import { ApiProvider } from './api/ApiProvider';
import { ApiKeysPage } from './apiKeys/ApiKeysPage';
import { MetersPage } from './catalog/MetersPage';
import { PlansPage } from './catalog/PlansPage';
import { CustomerPage } from './customers/CustomerPage';
import { CustomersPage } from './customers/CustomersPage';
import { EventsPage } from './events/EventsPage';
import { InvoicePage } from './invoices/InvoicePage';
import { InvoicesPage } from './invoices/InvoicesPage';
import { useSession, type Session } from './session/SessionContext';
import { SessionProvider } from './session/SessionProvider';
import { SignInPage } from './session/SignInPage';
import { SignUpPage } from './session/SignUpPage';
import { ViewerProvider } from './session/Viewer';
import { Layout } from './ui/Layout';
import { Empty, Loading } from './ui/states';
import { useTitle } from './ui/title';

// The chart library is half of the bundle, and only this page uses it.
const UsagePage = lazy(() => import('./usage/UsagePage').then(({ UsagePage: page }) => ({ default: page })));

/**
 * Pages by path. Paths that the gateway routes elsewhere cannot be pages: /events, /ingest, /graphql, /session,
 * /connect, /account, /.well-known, /health, /alive, /metrics.
 */
export function App({ session, queries }: { session: Session; queries: QueryClient }) {
  return (
    <SessionProvider session={session}>
      <ApiProvider client={queries}>
        <Routes>
          <Route path="/sign-in" element={<SignInPage />} />
          <Route path="/sign-up" element={<SignUpPage />} />
          <Route element={<SignedInOnly />}>
            <Route index element={<Navigate to="/usage" replace />} />
            <Route path="/usage" element={<UsagePage />} />
            <Route path="/recent-events" element={<EventsPage />} />
            <Route path="/customers" element={<CustomersPage />} />
            <Route path="/customers/detail" element={<CustomerPage />} />
            <Route path="/invoices" element={<InvoicesPage />} />
            <Route path="/invoices/:id" element={<InvoicePage />} />
            <Route path="/plans" element={<PlansPage />} />
            <Route path="/meters" element={<MetersPage />} />
            <Route path="/api-keys" element={<ApiKeysPage />} />
            <Route path="*" element={<NoSuchPage />} />
          </Route>
        </Routes>
      </ApiProvider>
    </SessionProvider>
  );
}

function SignedInOnly() {
  const { status } = useSession();
  const { pathname, search } = useLocation();
  if (status === 'loading') return <Loading what="your session" />;
  if (status !== 'signed-in' && status !== 'leaving') {
    return <Navigate to={`/sign-in?${new URLSearchParams({ returnTo: pathname + search }).toString()}`} replace />;
  }
  return (
    <ViewerProvider>
      <Layout />
    </ViewerProvider>
  );
}

function NoSuchPage() {
  useTitle('Page not found');
  return <Empty title="Page not found">Choose a page from the menu.</Empty>;
}
