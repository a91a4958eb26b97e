// One visit in the child process: proxy, browser, flow, and what was seen of them.

import type { CDPSession, Page } from 'playwright';
import { type Clock, deadline, sleep } from '../../base/clock.ts';
import type { NetworkPath, PathName } from '../../model/network-path.ts';
import type { ProbeError } from '../../model/observation.ts';
import { createDial } from '../dial.ts';
import { createResolve } from '../dns.ts';
import { createLocate, hostOf, type Locate } from '../locate.ts';
import { takeArtifacts } from './artifacts.ts';
import { exchangesOf } from './exchanges.ts';
import { loadFlow } from './flow-file.ts';
import { runFlow } from './flow-run.ts';
import { type Launched, launch } from './launch.ts';
import type { Artifacts, FromChild, Order, Route, WirePath } from './message.ts';
import { PageWatch } from './page-watch.ts';
import { startProxy } from './proxy.ts';
import { verifiedKeys } from './trust.ts';
import { createTyping, type SecretKind } from './typing.ts';

/** Kept back from the time of a visit, for what is to be told of it, ms. */
const TELLING_MS = 8_000;
/** A step has a third of the time, and never more than this, ms. */
const LONGEST_STEP_MS = 20_000;
const CLOSE_MS = 2_000;

type Ended = Extract<FromChild, { kind: 'done' }>;

/** Carries out an order. Rejects for what is our own fault: no browser, no flow, a browser that died. */
export async function visit(
  order: Order,
  tools: {
    readonly clock: Clock;
    readonly ask: (what: SecretKind) => Promise<{ value: string } | { why: string }>;
    /** For the proxy, where others than a local browser could reach it. */
    readonly credentials: string;
  },
): Promise<Ended> {
  const { clock } = tools;
  using time = deadline(clock, Math.max(1, order.timeoutMs - TELLING_MS), new AbortController().signal);
  const flow = await loadFlow(order.flow);
  const locate = createLocate({
    clock,
    resolve: createResolve(clock),
    allowedAddresses: new Set(order.allowedAddresses),
  });
  const dial = createDial({ clock, ca: order.ca });
  const paths = order.paths.map(pathOf);
  const route = (host: string, port: number): NetworkPath | null => routeTo(order.routes, paths, host, port);
  const isRefused = (url: URL): boolean => route(hostOf(url), portOf(url)) === null;
  const remote = 'connect' in order.browser ? order.browser : null;
  await using proxy = await startProxy({
    clock,
    locate,
    dial,
    pathOf: route,
    listen: remote?.proxy?.listen ?? { host: '127.0.0.1', port: 0 },
    credentials: remote?.proxy == null ? null : tools.credentials,
    signal: new AbortController().signal,
  });
  const keys = await keysOf(order, { route, locate, dial, signal: time.signal });
  const credentials = remote?.proxy == null ? null : tools.credentials;
  const launched = await launch(order, { port: proxy.port, credentials }, keys);
  try {
    return await inBrowser(order, launched, {
      ...tools,
      flow,
      isRefused,
      contacts: proxy.contacts,
      signal: time.signal,
    });
  } finally {
    await Promise.race([launched.browser.close().catch(() => undefined), sleep(clock, CLOSE_MS)]);
  }
}

async function inBrowser(
  order: Order,
  { browser, context }: Launched,
  tools: Parameters<typeof visit>[1] & {
    readonly flow: Awaited<ReturnType<typeof loadFlow>>;
    readonly isRefused: (url: URL) => boolean;
    readonly contacts: Awaited<ReturnType<typeof startProxy>>['contacts'];
    readonly signal: AbortSignal;
  },
): Promise<Ended> {
  const { clock, flow, isRefused, contacts, signal } = tools;
  const { target, gate, username } = order;
  const died = new AbortController();
  browser.on('disconnected', () => died.abort());
  const page = await context.newPage();
  page.on('crash', () => died.abort());
  const stepMs = Math.min(LONGEST_STEP_MS, order.timeoutMs / 3);
  context.setDefaultTimeout(stepMs);
  const watch = new PageWatch(context, page, { clock, isRefused });
  let waitedMs = 0;
  const secrets: string[] = Object.values(target.headers);
  const typing = createTyping(page, gate.url, async (what) => {
    const askedMs = clock.monotonic();
    const secret = await tools.ask(what);
    waitedMs += clock.monotonic() - askedMs;
    if ('value' in secret) secrets.push(secret.value);
    return secret;
  });
  await sendHeaders(page, target);
  const until = AbortSignal.any([signal, died.signal]);
  const startMs = clock.monotonic();
  const run = await runFlow(flow, {
    clock,
    page,
    watch,
    typing,
    target,
    gate,
    username,
    stepMs,
    signal: until,
  });
  const durationMs = Math.max(0, clock.monotonic() - startMs - waitedMs);
  if (died.signal.aborted) throw new Error('the browser, or its page, ended in the middle of the visit');
  const exchanges = await exchangesOf(watch.documents(), contacts, { clock, bodyLimit: order.bodyLimit });
  const error = exchanges.at(-1)?.error ?? null;
  const facts = watch.facts(run.blank);
  const answered = exchanges.at(-1)?.status ?? null;
  const isGood = run.end === 'app' && error === null && answered !== null && answered < 400;
  const remarks = [`flow ${flow.name}: ${run.detail}`, ...(run.error === null ? [] : [`flow: ${run.error}`])];
  const artifacts: Artifacts | null = isGood
    ? null
    : await takeArtifacts({ clock, context, page, watch, isRefused, secrets, remarks });
  return {
    kind: 'done',
    durationMs,
    exchanges: [...exchanges],
    stop: error === null ? 'answer' : 'error',
    error: error ?? nothingAsked(exchanges.length),
    flow: {
      steps: [...run.steps],
      end: run.end,
      detail: run.detail,
      secretsSent: typing.typed(),
      clockSkewMs: skewOf(watch, gate.url),
      page: { ...facts, failedResources: [...facts.failedResources] },
    },
    artifacts,
  };
}

/** A flow that went nowhere is no visit: the fault is its own. */
function nothingAsked(count: number): ProbeError | null {
  return count > 0 ? null : { phase: 'prober', code: 'internal', message: 'the flow opened no page' };
}

async function keysOf(
  order: Order,
  tools: {
    readonly route: (host: string, port: number) => NetworkPath | null;
    readonly locate: Locate;
    readonly dial: ReturnType<typeof createDial>;
    readonly signal: AbortSignal;
  },
): Promise<readonly string[]> {
  if ('connect' in order.browser) return []; // its roots are its container's
  const urls = [order.target.url, order.gate.url].map((text) => new URL(text));
  const hosts = urls.flatMap((url) => {
    const path = tools.route(hostOf(url), portOf(url));
    return path === null ? [] : [{ url, path }];
  });
  return verifiedKeys(hosts, { ca: order.ca, ...tools }, tools.signal);
}

/**
 * The configured headers go to the target's own origin alone. By DevTools, because what Playwright is told to send with
 * a request it sends with the redirects of it, too; "the overrides do not extend to subsequent redirect hops"
 * (chromedevtools.github.io/devtools-protocol, Fetch.continueRequest).
 */
async function sendHeaders(page: Page, { origin, headers }: Order['target']): Promise<void> {
  const own = Object.entries(headers).map(([name, value]) => ({ name, value }));
  if (own.length === 0) return;
  const session: CDPSession = await page.context().newCDPSession(page);
  session.on('Fetch.requestPaused', ({ requestId, request }) => {
    const isOwn = URL.parse(request.url)?.origin === origin;
    const sent = Object.entries(request.headers).map(([name, value]) => ({ name, value }));
    const params = isOwn ? { requestId, headers: [...sent, ...own] } : { requestId };
    session.send('Fetch.continueRequest', params).catch(() => undefined);
  });
  await session.send('Fetch.enable', { patterns: [{ urlPattern: `${origin}/*`, requestStage: 'Request' }] });
}

function skewOf(watch: PageWatch, gateUrl: string): number | null {
  const { origin } = new URL(gateUrl);
  const seen = watch.documents().findLast(({ request }) => URL.parse(request.url())?.origin === origin);
  const date = Date.parse(seen?.response?.headers()['date'] ?? '');
  return seen === undefined || Number.isNaN(date) ? null : seen.answeredAt - date;
}

function routeTo(
  routes: readonly Route[],
  paths: readonly NetworkPath[],
  host: string,
  port: number,
): NetworkPath | null {
  const name = host.toLowerCase();
  const found = routes.find(
    (one) =>
      one.ports.includes(port) &&
      (one.host.startsWith('*.') ? name.endsWith(one.host.slice(1)) : name === one.host),
  );
  return found === undefined ? null : (paths[found.path] ?? null);
}

function portOf(url: URL): number {
  return Number(url.port || (/^(http|ws):$/.test(url.protocol) ? 80 : 443));
}

function pathOf({ name, ca, ...wire }: WirePath): NetworkPath {
  return {
    ...wire,
    name: name as PathName,
    proof: { header: null, absent: null },
    requestsPerDay: null,
    http: 1,
    tls: { ca, cert: null, key: null, verify: 'full' },
    labels: {},
    firstCheck: null,
  };
}
