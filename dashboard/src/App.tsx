import type { QueryClient } from '@tanstack/react-query';
import { lazy, Suspense, type ComponentType } from 'react';
import { Navigate, Route, Routes, useLocation } from 'react-router';
import { ApiProvider } from './api/ApiProvider';
import { useSession, type Session } from './session/SessionContext';
import { SessionProvider } from './session/SessionProvider';
import { SignInPage } from './session/SignInPage';
import { ViewerProvider } from './session/Viewer';
import { Layout } from './ui/Layout';
import { PageHead } from './ui/elements';
import { Loading } from './ui/states';
import { useTitle } from './ui/title';

/** A page is loaded when it is opened: the first one must be there soon. */
function page<Name extends string>(name: Name, load: () => Promise<Record<Name, ComponentType>>) {
  return lazy(() => load().then((module) => ({ default: module[name] })));
}

const OverviewPage = page('OverviewPage', () => import('./overview/OverviewPage'));
const UsagePage = page('UsagePage', () => import('./usage/UsagePage'));
const EventsPage = page('EventsPage', () => import('./events/EventsPage'));
const QualityPage = page('QualityPage', () => import('./quality/QualityPage'));
const CustomersPage = page('CustomersPage', () => import('./customers/CustomersPage'));
const CustomerPage = page('CustomerPage', () => import('./customers/CustomerPage'));
const InvoicesPage = page('InvoicesPage', () => import('./invoices/InvoicesPage'));
const InvoicePage = page('InvoicePage', () => import('./invoices/InvoicePage'));
const PlansPage = page('PlansPage', () => import('./catalog/PlansPage'));
const PlanEditorPage = page('PlanEditorPage', () => import('./catalog/PlanEditorPage'));
const ComparePage = page('ComparePage', () => import('./catalog/ComparePage'));
const MetersPage = page('MetersPage', () => import('./catalog/MetersPage'));
const ThresholdsPage = page('ThresholdsPage', () => import('./thresholds/ThresholdsPage'));
const CouponsPage = page('CouponsPage', () => import('./thresholds/CouponsPage'));
const WebhooksPage = page('WebhooksPage', () => import('./notifications/WebhooksPage'));
const DeliveriesPage = page('DeliveriesPage', () => import('./notifications/DeliveriesPage'));
const MailPage = page('MailPage', () => import('./notifications/MailPage'));
const ApiKeysPage = page('ApiKeysPage', () => import('./settings/ApiKeysPage'));
const MembersPage = page('MembersPage', () => import('./settings/MembersPage'));
const AuditPage = page('AuditPage', () => import('./settings/AuditPage'));
const SettingsPage = page('SettingsPage', () => import('./settings/SettingsPage'));
const OperatorPage = page('OperatorPage', () => import('./operator/OperatorPage'));
const ProfilePage = page('ProfilePage', () => import('./settings/ProfilePage'));
const SignUpPage = page('SignUpPage', () => import('./session/SignUpPage'));
const AcceptInvitationPage = page('AcceptInvitationPage', () => import('./session/AcceptInvitationPage'));
const ProveEmailPage = page('ProveEmailPage', () => import('./session/ProveEmailPage'));
const ResetPasswordPage = page('ResetPasswordPage', () => import('./session/ResetPasswordPage'));

/**
 * Pages by path. Paths that the gateway routes elsewhere cannot be pages: /events, /ingest, /graphql, /session,
 * /connect, /account, /.well-known, /health, /alive, /metrics, /portal, /installation.
 */
export function App({ session, queries }: { session: Session; queries: QueryClient }) {
  return (
    <SessionProvider session={session}>
      <ApiProvider client={queries}>
        <Suspense fallback={<Loading what="the page" />}>
          <Routes>
            <Route path="/sign-in" element={<SignInPage />} />
            <Route path="/sign-up" element={<SignUpPage />} />
            <Route path="/accept-invitation" element={<AcceptInvitationPage />} />
            <Route path="/prove-email" element={<ProveEmailPage />} />
            <Route path="/reset-password" element={<ResetPasswordPage />} />
            <Route element={<SignedInOnly />}>
              <Route index element={<Navigate to="/overview" replace />} />
              <Route path="/overview" element={<OverviewPage />} />
              <Route path="/usage" element={<UsagePage />} />
              <Route path="/recent-events" element={<EventsPage />} />
              <Route path="/quality" element={<QualityPage />} />
              <Route path="/customers" element={<CustomersPage />} />
              <Route path="/customers/detail" element={<CustomerPage />} />
              <Route path="/invoices" element={<InvoicesPage />} />
              <Route path="/invoices/:id" element={<InvoicePage />} />
              <Route path="/plans" element={<PlansPage />} />
              <Route path="/plans/edit" element={<PlanEditorPage />} />
              <Route path="/plans/compare" element={<ComparePage />} />
              <Route path="/meters" element={<MetersPage />} />
              <Route path="/thresholds" element={<ThresholdsPage />} />
              <Route path="/coupons" element={<CouponsPage />} />
              <Route path="/webhooks" element={<WebhooksPage />} />
              <Route path="/deliveries" element={<DeliveriesPage />} />
              <Route path="/mail" element={<MailPage />} />
              <Route path="/api-keys" element={<ApiKeysPage />} />
              <Route path="/members" element={<MembersPage />} />
              <Route path="/audit" element={<AuditPage />} />
              <Route path="/settings" element={<SettingsPage />} />
              <Route path="/profile" element={<ProfilePage />} />
              <Route path="/operator" element={<OperatorPage />} />
              <Route path="*" element={<NoSuchPage />} />
            </Route>
          </Routes>
        </Suspense>
      </ApiProvider>
    </SessionProvider>
  );
}

function SignedInOnly() {
  const { status, user } = useSession();
  const { pathname, search } = useLocation();
  if (status === 'loading') return <Loading what="your session" />;
  if (status !== 'signed-in' && status !== 'leaving') {
    return <Navigate to={`/sign-in?${new URLSearchParams({ returnTo: pathname + search }).toString()}`} replace />;
  }
  // In no org: every other page is about one.
  if (user && !user.inOrg && pathname !== '/operator') return <Navigate to="/operator" replace />;
  return (
    <ViewerProvider>
      <Layout />
    </ViewerProvider>
  );
}

function NoSuchPage() {
  useTitle('Page not found');
  return <PageHead title="Page not found" intro="Choose a page from the menu." />;
}
