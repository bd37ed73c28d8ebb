document.getElementById('form')?.addEventListener('submit', (event) => {
  event.preventDefault();
  const token = new FormData(event.target as HTMLFormElement).get('token');
  for (const each of document.querySelectorAll('polaris-usage, polaris-invoices'))
    each.setAttribute('token', typeof token === 'string' ? token.trim() : '');
});
