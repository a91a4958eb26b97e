// What the browser's page does while a flow runs: documents, what they load and what fails, errors of their scripts.
// Facts only, in the child's memory; what leaves it is chosen field by field elsewhere.

import type { BrowserContext, ConsoleMessage, Page, Request, Response } from 'playwright';
import type { Clock } from '../../base/clock.ts';
import type { PageFacts } from '../../model/observation.ts';
import { evidenceText } from '../../model/text.ts';

/** Of one visit (threats, section 6). */
const MOST_REQUESTS = 500;
const MOST_PAGES = 5;
const MOST_LINES = 200;
/** Failed resources that are told of. */
const MOST_FAILED = 20;
/** Without these a page made of scripts shows nothing. */
const ESSENTIAL = new Set(['script', 'stylesheet']);
/** How long after its load event a page without its scripts may still show something, ms. */
const PATIENCE_MS = 2_000;

/** One request of the browser. */
export interface Seen {
  readonly request: Request;
  readonly startedAt: number;
  /** Counts the documents of the main frame: what belongs to which. */
  readonly document: number;
  response: Response | null;
  /** When the head of the answer was seen, by the wall clock. */
  answeredAt: number;
  /** The browser's own code, such as `net::ERR_FAILED`. */
  failure: string | null;
}

export class PageWatch {
  readonly #page: Page;
  readonly #clock: Clock;
  readonly #isRefused: (url: URL) => boolean;
  readonly #seen = new Map<Request, Seen>();
  readonly #lines: string[] = [];
  #document = 0;
  #loadedMs: number | null = null;
  #consoleErrors = 0;
  #pageErrors = 0;
  /** Why the visit must end here, or null. */
  limit: string | null = null;

  /** Watches a page that has not gone anywhere yet. `isRefused`: the proxy lets nothing through to there. */
  constructor(
    context: BrowserContext,
    page: Page,
    tools: { clock: Clock; isRefused: (url: URL) => boolean },
  ) {
    this.#page = page;
    this.#clock = tools.clock;
    this.#isRefused = tools.isRefused;
    context.on('request', (request) => this.#begin(request));
    context.on('response', (response) => this.#answer(response));
    context.on('requestfailed', (request) => this.#fail(request));
    context.on('page', (popup) => {
      if (context.pages().length > MOST_PAGES) void popup.close().catch(() => undefined);
    });
    context.on('dialog', (dialog) => void dialog.dismiss().catch(() => undefined));
    page.on('load', () => {
      this.#loadedMs = this.#clock.monotonic();
    });
    page.on('console', (message) => this.#console(message));
    page.on('pageerror', (error) => {
      this.#pageErrors += 1;
      this.#line('error', `${error.name}: ${error.message}`);
    });
  }

  /** All requests, in order of their start. */
  requests(): readonly Seen[] {
    return [...this.#seen.values()];
  }

  /** Requests for documents of the page itself, redirects each for itself. */
  documents(): readonly Seen[] {
    return this.requests().filter(({ request }) => this.#isDocument(request));
  }

  /** Lines of the console and of uncaught errors, as the page wrote them. */
  lines(): readonly string[] {
    return this.#lines;
  }

  /** The document that is shown, or null while there is none. */
  shown(): { readonly url: URL; readonly status: number } | null {
    const last = this.documents().at(-1)?.response ?? null;
    const url = URL.parse(this.#page.url());
    if (last === null || url === null || !url.protocol.startsWith('http')) return null;
    const status = last.status();
    return status >= 300 && status < 400 ? null : { url, status };
  }

  /** Why the last document did not load, as the browser says; null when it did, or is on its way. */
  documentFailure(): string | null {
    const failure = this.documents().at(-1)?.failure ?? null;
    return failure === 'net::ERR_ABORTED' ? null : failure; // replaced by the next one
  }

  /** Whether the page has lost scripts or styles and had time to show something all the same. */
  isBroken(): boolean {
    const loaded = this.#loadedMs !== null && this.#clock.monotonic() - this.#loadedMs > PATIENCE_MS;
    return loaded && this.hasLostEssentials();
  }

  hasLostEssentials(): boolean {
    return this.#failed().some(({ request }) => ESSENTIAL.has(request.resourceType()));
  }

  /** What is known of the document that is shown. `blank` is the caller's finding. */
  facts(blank: boolean): PageFacts {
    return {
      blank,
      failedResources: this.#failed()
        .slice(0, MOST_FAILED)
        .map((seen) => ({
          url: shownAddress(seen.request.url()),
          type: seen.request.resourceType(),
          status: seen.response?.status() ?? null,
          error: failureText(seen),
        })),
      consoleErrors: this.#consoleErrors,
      pageErrors: this.#pageErrors,
    };
  }

  #failed(): readonly Seen[] {
    return this.requests().filter(
      (seen) =>
        seen.document === this.#document &&
        !this.#isDocument(seen.request) &&
        !this.#isRefused(new URL(seen.request.url())) &&
        hasFailed(seen),
    );
  }

  #begin(request: Request): void {
    const url = URL.parse(request.url());
    if (url === null || !url.protocol.startsWith('http')) return;
    if (this.#isDocument(request) && request.redirectedFrom() === null) {
      this.#document += 1;
      this.#loadedMs = null;
      this.#consoleErrors = 0;
      this.#pageErrors = 0;
    }
    const startedAt = this.#clock.now();
    this.#seen.set(request, {
      request,
      startedAt,
      document: this.#document,
      response: null,
      answeredAt: startedAt,
      failure: null,
    });
    if (this.#seen.size > MOST_REQUESTS) this.limit = `more than ${MOST_REQUESTS} requests`;
  }

  #answer(response: Response): void {
    const seen = this.#seen.get(response.request());
    if (seen === undefined) return;
    seen.response = response;
    seen.answeredAt = this.#clock.now();
  }

  #fail(request: Request): void {
    const seen = this.#seen.get(request);
    if (seen !== undefined) seen.failure = request.failure()?.errorText ?? 'failed';
  }

  #console(message: ConsoleMessage): void {
    if (message.type() === 'error') this.#consoleErrors += 1;
    this.#line(message.type(), message.text());
  }

  #line(kind: string, text: string): void {
    if (this.#lines.length < MOST_LINES) this.#lines.push(`${kind}: ${text.slice(0, 2_000)}`);
  }

  #isDocument(request: Request): boolean {
    if (!request.isNavigationRequest()) return false;
    try {
      return request.frame() === this.#page.mainFrame();
    } catch {
      return false; // of a page that is gone, or not there yet
    }
  }
}

/** Whether a resource did not bring what was asked for. What was given up for a new document has not failed. */
function hasFailed(seen: Seen): boolean {
  // An answer that is refused is given up, too: what it was counts.
  if (seen.response !== null && (seen.response.status() >= 400 || isPageInstead(seen))) return true;
  return seen.failure !== null && seen.failure !== 'net::ERR_ABORTED';
}

/** HTML where a script or style was asked for: a login, challenge or "not found" page with a status of 200. */
function isPageInstead({ request, response }: Seen): boolean {
  const type = (response?.headers()['content-type'] ?? '').toLowerCase();
  return ESSENTIAL.has(request.resourceType()) && type.startsWith('text/html');
}

function failureText(seen: Seen): string | null {
  if (isPageInstead(seen)) return 'a page instead';
  if (seen.failure === null || seen.response !== null) return null;
  return evidenceText(seen.failure.replace(/^net::/, ''), 100);
}

/** Scheme, host and pathname; parameters of a pathname are session ids. */
function shownAddress(address: string): string {
  const url = URL.parse(address);
  if (url === null) return '(not a URL)';
  return evidenceText(`${url.protocol}//${url.host}${url.pathname.replace(/;[^/]*/g, ';…')}`);
}
