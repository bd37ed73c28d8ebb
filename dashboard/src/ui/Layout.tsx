import { Suspense, useState } from 'react';
import { NavLink, Outlet, useLocation } from 'react-router';
import { useRead } from '../api/hooks';
import { formatDateTime } from '../format/time';
import { useSession } from '../session/SessionContext';
import { useInOrg, useMay, useOperates, useViewer } from '../session/Viewer';
import { CLOCK } from './clock';
import { Brand } from './Brand';
import { ErrorBoundary } from './ErrorBoundary';
import { applyTheme, readTheme, type Theme } from './theme';
import { ErrorNote, Loading } from './states';

const NAVIGATION = [
  {
    title: null,
    pages: [
      { to: '/overview', label: 'Overview' },
      { to: '/usage', label: 'Usage' },
      { to: '/recent-events', label: 'Events' },
      { to: '/quality', label: 'Data quality' },
    ],
  },
  {
    title: 'Billing',
    pages: [
      { to: '/customers', label: 'Customers' },
      { to: '/invoices', label: 'Invoices' },
      { to: '/plans', label: 'Plans' },
      { to: '/meters', label: 'Meters' },
      { to: '/thresholds', label: 'Thresholds' },
      { to: '/coupons', label: 'Coupons' },
    ],
  },
  {
    title: 'Notifications',
    pages: [
      { to: '/webhooks', label: 'Webhooks' },
      { to: '/deliveries', label: 'Deliveries' },
      { to: '/mail', label: 'E-mail' },
    ],
  },
  {
    title: 'Org',
    pages: [
      { to: '/api-keys', label: 'API keys', right: 'admin' },
      { to: '/members', label: 'Members' },
      { to: '/audit', label: 'Audit log', right: 'admin' },
      { to: '/settings', label: 'Settings' },
    ],
  },
  { title: 'Polaris', pages: [{ to: '/operator', label: 'Installation', right: 'operator' }] },
] as const;

export function Layout() {
  const location = useLocation();
  const rights = { admin: useMay('admin'), operator: useOperates() };
  const inOrg = useInOrg();
  const shown = NAVIGATION.map(({ title, pages }) => ({
    title,
    pages: pages.filter((page) => ('right' in page ? rights[page.right] : inOrg)),
  })).filter(({ pages }) => pages.length > 0);
  const [openAt, setOpenAt] = useState<string | null>(null);
  // The menu is open only on the page where it was opened, so following a link closes it.
  const open = openAt === location.key;
  return (
    <div className="layout">
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <aside className={open ? 'sidebar open' : 'sidebar'}>
        <div className="sidebar-top">
          <NavLink to="/" className="brand-link" aria-label="Polaris, start page">
            <Brand />
          </NavLink>
          <button
            type="button"
            className="button menu-button"
            aria-expanded={open}
            aria-controls="navigation"
            onClick={() => setOpenAt(open ? null : location.key)}
          >
            Menu
          </button>
        </div>
        <div className="sidebar-body" id="navigation">
          <nav aria-label="Pages">
            {shown.map(({ title, pages }) => (
              <div key={title ?? ''} className="nav-group">
                {title === null ? null : <div className="nav-title">{title}</div>}
                <ul>
                  {pages.map((page) => (
                    <li key={page.to}>
                      <NavLink to={page.to}>{page.label}</NavLink>
                    </li>
                  ))}
                </ul>
              </div>
            ))}
          </nav>
          <Account />
        </div>
      </aside>
      <main id="content" tabIndex={-1}>
        <TestClockNote />
        <ErrorBoundary key={location.pathname}>
          <Suspense fallback={<Loading what="the page" />}>
            <Outlet />
          </Suspense>
        </ErrorBoundary>
      </main>
    </div>
  );
}

function Account() {
  const viewer = useViewer();
  const inOrg = useInOrg();
  const { signOut } = useSession();
  const [theme, setTheme] = useState<Theme>(readTheme);
  const [failure, setFailure] = useState<unknown>(null);
  return (
    <div className="account">
      <div className="account-org">{viewer.org.name}</div>
      <div className="account-who" title={viewer.email ?? undefined}>
        {inOrg ? <NavLink to="/profile">{viewer.email ?? 'Signed in'}</NavLink> : viewer.email}
      </div>
      {viewer.role ? <div className="account-who">{viewer.role}</div> : null}
      <div className="account-who">Times in {viewer.org.timeZone}</div>
      {failure !== null ? <ErrorNote error={failure} /> : null}
      <div className="account-row">
        <select
          aria-label="Colours"
          value={theme}
          onChange={(event) => {
            const chosen = event.target.value as Theme;
            setTheme(chosen);
            applyTheme(chosen);
          }}
        >
          <option value="system">System</option>
          <option value="light">Light</option>
          <option value="dark">Dark</option>
        </select>
        <button
          type="button"
          className="button button-small"
          onClick={() => {
            signOut().catch(setFailure);
          }}
        >
          Sign out
        </button>
      </div>
    </div>
  );
}

/** Every page shows when the org is on a test clock. */
function TestClockNote() {
  const { org } = useViewer();
  const { data } = useRead(CLOCK, {}, { enabled: useInOrg() });
  if (!data?.clock.frozen) return null;
  return (
    <p className="banner" role="status">
      This org is on a test clock, set to {formatDateTime(data.clock.now, org.timeZone)}.
    </p>
  );
}
