/** The page for a frame. Its token is the address's fragment, which a browser sends to no server; it is taken out of the address at once. */
import './polaris';
import './portal.css';

const given = new URLSearchParams(window.location.hash.slice(1));
window.history.replaceState(null, '', window.location.pathname + window.location.search);
const token = given.get('token') ?? '';
const language = given.get('lang');
const missing = document.getElementById('missing');
if (token === '') missing?.removeAttribute('hidden');
for (const each of document.querySelectorAll('polaris-usage, polaris-invoices')) {
  if (language) each.setAttribute('lang', language);
  if (token !== '') each.setAttribute('token', token);
}
