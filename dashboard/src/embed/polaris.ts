/**
 * <polaris-usage> and <polaris-invoices>: what a customer may see of itself, in a product's own pages. Without a framework, so that they are
 * small. Attributes: `token` (a customer token, made by the product's backend), `endpoint` (where Polaris is; without it, where this script came
 * from), `lang`. When the token has ended, the event `polaris-token-ended` asks for a new one: set the attribute again.
 */
import type { Document } from '../api/graphql';
import { formatMoney, formatQuantity } from '../format/decimal';
import { setLocale } from '../format/locale';
import { formatPeriod } from '../format/time';
import { arithmeticOf, flatten, KIND_NAMES } from '../invoices/steps';
import style from './polaris.css?inline';
import { PORTAL_INVOICES, PORTAL_USAGE, type PortalInvoice } from './queries';

const sheet = new CSSStyleSheet();
sheet.replaceSync(style);

class Ended extends Error {}

/** The origin of this script: Polaris's, unless a product serves it itself. */
const CAME_FROM = new URL(import.meta.url).origin;

/** An element with text, attributes and children. Text is never read as HTML. */
function element(name: string, attributes: Record<string, string> = {}, ...children: (Node | string)[]): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

abstract class PolarisElement extends HTMLElement {
  static observedAttributes = ['token', 'endpoint', 'lang'];

  readonly #root = this.attachShadow({ mode: 'open' });
  #asked = 0;

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [sheet];
  }

  connectedCallback(): void {
    void this.#load();
  }

  attributeChangedCallback(): void {
    if (this.isConnected) void this.#load();
  }

  protected abstract show(): Promise<Node[]>;

  protected async ask<A, V>(document: Document<A, V>, variables: V): Promise<A> {
    const response = await this.fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: document, variables }),
    });
    const { data, errors } = (await response.json()) as {
      data?: A;
      errors?: { message: string; extensions?: { code?: string } }[];
    };
    const [error] = errors ?? [];
    if (error?.extensions?.code === 'UNAUTHENTICATED') throw new Ended();
    if (error !== undefined || data === undefined)
      throw new Error(error?.message ?? 'Polaris is unavailable at the moment.');
    return data;
  }

  protected async fetch(
    path: string,
    init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {},
  ): Promise<Response> {
    const response = await fetch((this.getAttribute('endpoint') ?? CAME_FROM).replace(/\/$/, '') + path, {
      ...init,
      credentials: 'omit',
      headers: { ...init.headers, authorization: `Bearer ${this.getAttribute('token') ?? ''}` },
    });
    if (response.status === 401) throw new Ended();
    if (response.status === 429 || response.status >= 500) throw new Error('Polaris is busy. Try again in a moment.');
    return response;
  }

  async #load(): Promise<void> {
    const asked = ++this.#asked;
    const latest = () => asked === this.#asked;
    const language = this.getAttribute('lang');
    if (language) setLocale(language);
    if (!this.getAttribute('token')) {
      this.#root.replaceChildren();
      return;
    }
    if (this.#root.childNodes.length === 0)
      this.#root.append(element('p', { class: 'soft', role: 'status' }, 'Loading …'));
    try {
      const nodes = await this.show();
      if (latest()) this.#root.replaceChildren(...nodes);
    } catch (error) {
      if (!latest()) return;
      const ended = error instanceof Ended;
      const retry = element('button', { type: 'button' }, 'Try again');
      retry.addEventListener('click', () => void this.#load());
      const text = ended
        ? 'The access has ended. '
        : `${error instanceof Error ? error.message : 'Something went wrong.'} `;
      this.#root.replaceChildren(element('p', { role: 'alert' }, text, ...(ended ? [] : [retry])));
      if (ended) this.dispatchEvent(new CustomEvent('polaris-token-ended', { bubbles: true, composed: true }));
    }
  }
}

function table(
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly (Node | string)[])[],
  right: readonly number[],
): HTMLElement {
  const cell = (name: string, attributes: Record<string, string>) => (content: Node | string, index: number) =>
    element(name, { ...attributes, ...(right.includes(index) ? { class: 'right' } : {}) }, content);
  return element(
    'table',
    { 'aria-label': caption, part: 'table' },
    element('thead', {}, element('tr', {}, ...heads.map(cell('th', { scope: 'col' })))),
    element('tbody', {}, ...rows.map((row) => element('tr', {}, ...row.map(cell('td', {}))))),
  );
}

/** The customer's running periods: quantities and their amounts so far. */
export class PolarisUsage extends PolarisElement {
  protected async show(): Promise<Node[]> {
    const { portal } = await this.ask(PORTAL_USAGE, {});
    if (portal.currentUsage.length === 0) return [element('p', { class: 'soft' }, 'No usage in a running period.')];
    const zones = new Map(portal.subscriptions?.nodes.map(({ id, timeZone }) => [id, timeZone]));
    return [
      table(
        'Current usage',
        ['What', 'Period', 'So far', 'Amount of it'],
        portal.currentUsage.map((one) => [
          one.charge,
          formatPeriod(one.periodStart, one.periodEnd, zones.get(one.subscriptionId) ?? 'UTC'),
          formatQuantity(one.quantity),
          formatMoney(one.amount, one.currency),
        ]),
        [2, 3],
      ),
      element('p', { class: 'soft' }, 'Metered usage, without fees, discounts and taxes of the invoice.'),
    ];
  }
}

const PAGE_SIZE = 12;

/** The customer's final invoices, each with its calculation and its PDF. */
export class PolarisInvoices extends PolarisElement {
  protected async show(): Promise<Node[]> {
    const { portal } = await this.ask(PORTAL_INVOICES, { first: PAGE_SIZE, after: null });
    const page = portal.invoices;
    if (!page || page.nodes.length === 0) return [element('p', { class: 'soft' }, 'No invoices yet.')];
    // An invoice does not say of which subscription it is; nearly always all have one zone.
    const [zone = 'UTC', ...others] = new Set(portal.subscriptions?.nodes.map(({ timeZone }) => timeZone));
    const timeZone = others.length === 0 ? zone : 'UTC';
    return [
      table(
        'Invoices',
        ['Invoice', 'Period', 'Status', 'Total', 'PDF'],
        page.nodes.map((invoice) => [
          details(invoice),
          formatPeriod(invoice.periodStart, invoice.periodEnd, timeZone),
          invoice.status.toLowerCase(),
          formatMoney(invoice.total, invoice.currency),
          this.#pdf(invoice),
        ]),
        [3],
      ),
    ];
  }

  /** A document needs the token too, which a link would not carry. */
  #pdf(invoice: PortalInvoice): HTMLElement {
    const button = element('button', { type: 'button', 'aria-label': `PDF of ${invoice.number}` }, 'PDF');
    button.addEventListener('click', () => {
      this.fetch(invoice.pdfUrl)
        .then((response) => response.blob())
        .then((file) => {
          const url = URL.createObjectURL(file);
          element('a', { href: url, download: `${invoice.number}.pdf` }).click();
          URL.revokeObjectURL(url);
        })
        .catch(() => button.replaceWith(element('span', { role: 'alert' }, 'not available at the moment')));
    });
    return button;
  }
}

function details(invoice: PortalInvoice): HTMLElement {
  return element(
    'details',
    {},
    element('summary', {}, invoice.number),
    element(
      'ul',
      {},
      ...invoice.lines.map((line) =>
        element(
          'li',
          {},
          `${line.name}${line.kind === 'CHARGE' ? '' : ` (${KIND_NAMES[line.kind]})`}: ${formatMoney(line.amount, invoice.currency)}`,
          element(
            'ul',
            { class: 'soft' },
            ...flatten(line.explanation).map(({ step }) =>
              element(
                'li',
                {},
                `${step.label}: ${arithmeticOf(step, invoice.currency)} = ${formatMoney(step.amount, invoice.currency)}`,
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

customElements.define('polaris-usage', PolarisUsage);
customElements.define('polaris-invoices', PolarisInvoices);
