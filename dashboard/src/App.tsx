import { NavLink, Route, Routes } from 'react-router';
import { useSession } from './auth';
import { ApiKeysPage } from './pages/ApiKeysPage';
import { CustomersPage } from './pages/CustomersPage';
import { EventsPage } from './pages/EventsPage';
import { InvoicePage } from './pages/InvoicePage';
import { InvoicesPage } from './pages/InvoicesPage';
import { PlansPage } from './pages/PlansPage';
import { SignUpPage } from './pages/SignUpPage';
import { UsagePage } from './pages/UsagePage';
import { WelcomePage } from './pages/WelcomePage';

const sections = [
  ['/', 'Usage'],
  ['/invoices', 'Invoices'],
  ['/events', 'Events'],
  ['/customers', 'Customers'],
  ['/plans', 'Plans'],
  ['/keys', 'API keys'],
] as const;

export function App() {
  const { user, signOut } = useSession();
  if (!user)
    return (
      <Routes>
        <Route path="/sign-up" element={<SignUpPage />} />
        <Route path="*" element={<WelcomePage />} />
      </Routes>
    );
  return (
    <>
      <header>
        <strong className="brand">
          <span aria-hidden="true">✦</span> Polaris
        </strong>
        <nav aria-label="Sections">
          {sections.map(([path, name]) => (
            <NavLink key={path} to={path} end={path === '/'}>
              {name}
            </NavLink>
          ))}
        </nav>
        <span className="who">{user.profile.email}</span>
        <button className="quiet" onClick={() => void signOut()}>
          Sign out
        </button>
      </header>
      <main>
        <Routes>
          <Route path="/" element={<UsagePage />} />
          <Route path="/invoices" element={<InvoicesPage />} />
          <Route path="/invoices/:id" element={<InvoicePage />} />
          <Route path="/events" element={<EventsPage />} />
          <Route path="/customers" element={<CustomersPage />} />
          <Route path="/plans" element={<PlansPage />} />
          <Route path="/keys" element={<ApiKeysPage />} />
          <Route path="*" element={<p>There is no such page.</p>} />
        </Routes>
      </main>
    </>
  );
}
