import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createVite } from 'vite';
import { createPolaris } from './polaris.mjs';

export const EMAIL = 'demo@polaris.example';
export const PASSWORD = 'a-fake-password';

/**
 * The gateway as the dashboard sees it: the session, GraphQL, and Vite for everything else, or the built files with the policy of production
 * (nginx.conf). Returns `{ url, close }`.
 */
export async function startFakeGateway({ port = 0, built = false } = {}) {
  const polaris = createPolaris();
  const tokens = new Set();
  const signedIn = ({ headers }) => tokens.has(/polaris\.dashboard=([^;]*)/.exec(headers.cookie ?? '')?.[1]);
  const vite = built ? null : await createVite({ server: { middlewareMode: true, hmr: false }, logLevel: 'error' });

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const reply = (status, body) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const redirect = (to) => response.writeHead(302, { location: String(to) }).end();

    switch (url.pathname) {
      case '/session':
        return reply(200, {
          user: signedIn(request) ? { email: EMAIL, orgId: polaris.viewer.org.id, role: 'admin' } : null,
        });
      case '/session/sign-in':
        response.setHeader('set-cookie', `wanted=${encodeURIComponent(url.searchParams.get('returnTo'))}; Path=/`);
        return redirect(`/account/login?returnUrl=/session/callback`);
      case '/session/callback': {
        const token = crypto.randomUUID();
        tokens.add(token);
        const wanted = /wanted=([^;]*)/.exec(request.headers.cookie ?? '')?.[1] ?? '/';
        response.setHeader('set-cookie', `polaris.dashboard=${token}; Path=/; HttpOnly; SameSite=Strict`);
        return redirect(decodeURIComponent(wanted));
      }
      case '/session/sign-out':
        tokens.clear();
        response.setHeader('set-cookie', 'polaris.dashboard=; Path=/; Max-Age=0');
        return response.writeHead(204).end();
      case '/account/login':
        return signInPage(request, response, url, redirect);
      case '/installation/health':
        return signedIn(request) ? reply(200, { services: polaris.services }) : reply(401, { status: 401 });
      case '/graphql': {
        const body = JSON.parse(await readBody(request));
        const anonymous = /\b(signUp|proveEmail|acceptInvitation|requestPasswordReset|resetPassword)\b/.test(
          body.query,
        );
        if (!anonymous && !(signedIn(request) && request.headers['polaris-session'] === '1'))
          return reply(401, { status: 401, code: 'revoked_credentials', detail: 'The session has ended.' });
        return reply(200, await polaris.execute(body));
      }
      default:
        return vite ? vite.middlewares(request, response) : builtFile(url, response);
    }
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://localhost:${server.address().port}/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await vite?.close();
    },
  };
}

const FOLDER = new URL('../../', import.meta.url);
const POLICY = /Content-Security-Policy "([^"]+)"/.exec(readFileSync(new URL('nginx.conf', FOLDER), 'utf8'))[1];
const TYPES = { html: 'text/html', js: 'text/javascript', css: 'text/css' };

function builtFile({ pathname }, response) {
  const wanted = /^\/(?:[\w-]+\/)*[\w.-]+\.\w+$/.test(pathname) ? `dist${pathname}` : 'dist/index.html';
  const file = existsSync(new URL(wanted, FOLDER)) ? wanted : 'dist/index.html';
  response.writeHead(200, {
    'content-type': TYPES[file.split('.').at(-1)] ?? 'application/octet-stream',
    'content-security-policy': POLICY,
  });
  response.end(readFileSync(new URL(file, FOLDER)));
}

async function signInPage(request, response, url, redirect) {
  let failed = false;
  if (request.method === 'POST') {
    const form = await readForm(request);
    if (form.get('email') === EMAIL && form.get('password') === PASSWORD) {
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
