import { createServer } from 'node:http';
import { createServer as createVite } from 'vite';
import { createPolaris } from './polaris.mjs';

export const EMAIL = 'demo@polaris.example';
export const PASSWORD = 'a-fake-password';

/** A gateway as the dashboard sees it: OpenID Connect, GraphQL, and Vite for everything else. Answers `{ url, close }`. */
export async function startFakeGateway({ port = 0 } = {}) {
  const polaris = createPolaris();
  const codes = new Map();
  const tokens = new Set();
  const vite = await createVite({ server: { middlewareMode: true, hmr: false }, logLevel: 'error' });

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const origin = `http://${request.headers.host}`;
    const reply = (status, body) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const redirect = (to) => response.writeHead(302, { location: String(to) }).end();

    switch (url.pathname) {
      case '/.well-known/openid-configuration':
        return reply(200, {
          issuer: `${origin}/`,
          authorization_endpoint: `${origin}/connect/authorize`,
          token_endpoint: `${origin}/connect/token`,
          end_session_endpoint: `${origin}/connect/logout`,
        });
      case '/connect/authorize':
        if (!/session=1/.test(request.headers.cookie ?? ''))
          return redirect(`/account/login?returnUrl=${encodeURIComponent(request.url)}`);
        return redirect(withCode(url, codes));
      case '/account/login':
        return signInPage(request, response, url, redirect);
      case '/connect/token': {
        const form = await readForm(request);
        const granted = form.get('grant_type') === 'refresh_token' || codes.delete(form.get('code'));
        if (!granted) return reply(400, { error: 'invalid_grant' });
        const token = crypto.randomUUID();
        tokens.add(token);
        return reply(200, {
          access_token: token,
          id_token: unsignedToken({ iss: `${origin}/`, aud: 'polaris-dashboard', sub: '1', email: EMAIL }),
          refresh_token: crypto.randomUUID(),
          token_type: 'Bearer',
          expires_in: 900,
          scope: 'openid profile email read admin offline_access',
        });
      }
      case '/connect/logout':
        response.setHeader('set-cookie', 'session=0; Path=/; Max-Age=0');
        return redirect(url.searchParams.get('post_logout_redirect_uri') ?? '/');
      case '/graphql': {
        const body = JSON.parse(await readBody(request));
        const authorization = request.headers.authorization;
        const anonymous = authorization === undefined && /\bsignUp\b/.test(body.query);
        if (!anonymous && !tokens.has(authorization?.replace(/^Bearer /, '')))
          return reply(401, { status: 401, code: 'invalid_credentials', detail: 'The token is not valid here.' });
        return reply(200, await polaris.execute(body));
      }
      default:
        return vite.middlewares(request, response);
    }
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://localhost:${server.address().port}/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await vite.close();
    },
  };
}

function withCode(url, codes) {
  const target = new URL(url.searchParams.get('redirect_uri'));
  const code = crypto.randomUUID();
  codes.set(code, true);
  target.searchParams.set('code', code);
  target.searchParams.set('state', url.searchParams.get('state'));
  return target;
}

async function signInPage(request, response, url, redirect) {
  let failed = false;
  if (request.method === 'POST') {
    const form = await readForm(request);
    if (form.get('email') === EMAIL && form.get('password') === PASSWORD) {
      response.setHeader('set-cookie', 'session=1; Path=/; HttpOnly');
      return redirect(form.get('returnUrl'));
    }
    failed = true;
  }
  response.writeHead(failed ? 401 : 200, { 'content-type': 'text/html' });
  response.end(`<!doctype html><title>Sign in</title><link rel="icon" href="data:,">
    ${failed ? '<p role="alert">E-mail or password is wrong.</p>' : ''}
    <form method="post" action="/account/login">
      <input type="hidden" name="returnUrl" value="${(url.searchParams.get('returnUrl') ?? '').replaceAll('&', '&amp;').replaceAll('"', '&quot;')}">
      <input name="email"><input name="password" type="password"><button type="submit">Sign in</button>
    </form>`);
}

async function readBody(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

async function readForm(request) {
  return new URLSearchParams(await readBody(request));
}

function unsignedToken(claims) {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ ...claims, iat: now, exp: now + 900 })}.`;
}
