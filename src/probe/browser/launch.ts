// Gets a browser and a fresh context in it: a local Chromium that is started for this visit, or a remote one.

import { lookup } from 'node:dns/promises';
import { type Browser, type BrowserContext, chromium } from 'playwright';
import type { Order } from './message.ts';

const START_MS = 20_000;
/** Largest answer of a browser's version page. */
const VERSION_LIMIT = 64 * 1024;

/** Constants beside what Playwright gives itself: nothing of the browser's own goes out, and all goes by the proxy. */
const FLAGS = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
  // Loopback and 169.254/16 would go past any proxy otherwise (threats M8).
  '--proxy-bypass-list=<-loopback>',
];

export interface Launched {
  readonly browser: Browser;
  readonly context: BrowserContext;
}

/** Rejects when there is no browser. */
export async function launch(
  order: Order,
  proxy: { readonly port: number; readonly credentials: string | null },
  keys: readonly string[],
): Promise<Launched> {
  const { browser: wanted, userAgent } = order;
  if ('executable' in wanted) {
    const browser = await chromium.launch({
      executablePath: wanted.executable,
      chromiumSandbox: wanted.sandbox,
      timeout: START_MS,
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
      args: [
        ...FLAGS,
        `--proxy-server=http://127.0.0.1:${proxy.port}`,
        ...(keys.length > 0 ? [`--ignore-certificate-errors-spki-list=${keys.join(',')}`] : []),
      ],
    });
    return { browser, context: await freshContext(browser, userAgent, null) };
  }
  const browser = await connect(wanted.connect);
  const [username, password] = (proxy.credentials ?? '').split(':');
  const server = wanted.proxy === null ? `127.0.0.1:${proxy.port}` : wanted.proxy.address;
  const context = await freshContext(browser, userAgent, {
    server: `http://${server}`,
    bypass: '<-loopback>',
    ...(username === undefined || password === undefined ? {} : { username, password }),
  });
  return { browser, context };
}

type ContextProxy = NonNullable<Parameters<Browser['newContext']>[0]>['proxy'];

async function freshContext(
  browser: Browser,
  userAgent: string,
  proxy: ContextProxy | null,
): Promise<BrowserContext> {
  // Chromium's own words, so that pages treat it as the browser it is, and ours, so that it can be told apart in logs.
  const major = browser.version().split('.')[0] ?? '';
  return browser.newContext({
    userAgent: `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${major}.0.0.0 Safari/537.36 ${userAgent}`,
    acceptDownloads: false,
    serviceWorkers: 'block',
    permissions: [],
    viewport: { width: 1280, height: 720 },
    locale: 'en-US',
    ...(proxy === null || proxy === undefined ? {} : { proxy }),
  });
}

/** A DevTools endpoint tells its version over HTTP; a Playwright server does not. */
async function connect(written: string): Promise<Browser> {
  const options = { timeout: START_MS };
  const endpoint = await byAddress(new URL(written));
  if (endpoint.pathname.startsWith('/devtools/')) return chromium.connectOverCDP(endpoint.href, options);
  const http = new URL(endpoint.href.replace(/^ws/, 'http'));
  return (await speaksDevTools(http))
    ? chromium.connectOverCDP(http.href, options)
    : chromium.connect(endpoint.href, options);
}

/** Chromium's DevTools answer no other Host than an address or localhost; behind TLS a name is needed. */
async function byAddress(endpoint: URL): Promise<URL> {
  if (/^(wss|https):$/.test(endpoint.protocol) || endpoint.hostname === 'localhost') return endpoint;
  const { address, family } = await lookup(endpoint.hostname.replace(/^\[|\]$/g, ''));
  const url = new URL(endpoint);
  url.hostname = family === 6 ? `[${address}]` : address;
  return url;
}

async function speaksDevTools(endpoint: URL): Promise<boolean> {
  const version = new URL('/json/version', endpoint);
  version.search = endpoint.search;
  try {
    const answer = await fetch(version, { redirect: 'error', signal: AbortSignal.timeout(START_MS / 4) });
    const text = await answer.text();
    return text.length < VERSION_LIMIT && text.includes('webSocketDebuggerUrl');
  } catch {
    return false;
  }
}
