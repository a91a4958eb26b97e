// What is kept of a failed visit for people to look at: a picture, a record of the exchanges, the console. By
// construction without secrets: of an exchange only what is named here, of addresses no query values, of the picture
// no form field, of the console no text that could be a token (DESIGN 10; threats F8).

import type { BrowserContext, Page } from 'playwright';
import { type Clock, sleep } from '../../base/clock.ts';
import { redactLocation } from '../../model/evidence.ts';
import { evidenceText, holdsSecret, withoutSecrets } from '../../model/text.ts';
import type { Artifacts } from './message.ts';
import type { PageWatch, Seen } from './page-watch.ts';

/** How long the browser may take for a picture, ms. */
const PICTURE_MS = 5_000;
const PICTURE_LIMIT_BYTES = 2 * 1024 * 1024;
/** Requests in the record. */
const MOST_ENTRIES = 500;
/** Longest line of the console, in characters. */
const LONGEST_LINE = 500;
/** Runs of letters and figures without a space that are no word: tokens, keys, encoded text. */
const OPAQUE = /[\w+/=.~%-]{20,}/g;

/** Whatever holds what could be typed or shown: covered in the picture. */
const FIELDS = 'input, textarea, select, [contenteditable]';

export async function takeArtifacts(tools: {
  readonly clock: Clock;
  readonly context: BrowserContext;
  readonly page: Page;
  readonly watch: PageWatch;
  readonly isRefused: (url: URL) => boolean;
  /** What was typed, and what the configuration sends. */
  readonly secrets: readonly string[];
  /** What our own code or the flow's says beside the console. */
  readonly remarks: readonly string[];
}): Promise<Artifacts> {
  const { clock, context, page, watch } = tools;
  const inTime = <T>(given: Promise<T>): Promise<T | null> =>
    Promise.race([given.catch(() => null), sleep(clock, PICTURE_MS).then(() => null)]);
  const cookies = (await inTime(context.cookies())) ?? [];
  const secrets = formsOf([
    ...tools.secrets,
    ...cookies.map(({ value }) => value),
    ...watch
      .requests()
      .flatMap(({ request }) => [...(URL.parse(request.url())?.searchParams.values() ?? [])]),
  ]);
  const picture = await inTime(
    page.screenshot({
      type: 'jpeg',
      quality: 60,
      timeout: PICTURE_MS,
      animations: 'disabled',
      caret: 'hide',
      mask: [page.locator(FIELDS)],
    }),
  );
  const shown = picture !== null && picture.length <= PICTURE_LIMIT_BYTES ? picture.toString('base64') : null;
  return {
    screenshot: shown,
    exchanges: record(watch.requests().slice(0, MOST_ENTRIES), secrets, tools.isRefused),
    console: [...tools.remarks, ...watch.lines()].map((line) => consoleLine(line, secrets)).join('\n'),
  };
}

/** The forms in which a text may come back: as it is, percent-encoded, in JSON, in base64. */
function formsOf(secrets: readonly string[]): readonly string[] {
  const forms = [...new Set(secrets)].flatMap((secret) => [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('base64url'),
  ]);
  // The longest first: what is left of one must not be a part of another.
  return forms.toSorted((a, b) => b.length - a.length);
}

/** Addresses keep scheme, host and pathname; everything else that could be a token goes. */
function consoleLine(line: string, secrets: readonly string[]): string {
  const known = withoutSecrets(line, secrets);
  const words = known.split(/(\s+|["'`<>(),])/).map((word) => {
    if (/^https?:\/\//.test(word)) return redactLocation(word, word, secrets);
    if (holdsSecret(word, secrets)) return '…';
    return word.replace(OPAQUE, '…');
  });
  const text = words.join('');
  return evidenceText(holdsSecret(text, secrets) ? '…' : text, LONGEST_LINE);
}

/** The exchanges as HAR 1.2 (w3c.github.io/web-performance/specs/HAR), as far as it may be told. */
function record(seen: readonly Seen[], secrets: readonly string[], isRefused: (url: URL) => boolean): string {
  const entries = seen.map((one) => {
    const { request, response, failure } = one;
    const url = request.url();
    const timing = request.timing();
    const location = response?.headers()['location'];
    return {
      startedDateTime: new Date(one.startedAt).toISOString(),
      time: Math.max(0, timing.responseEnd),
      request: { method: request.method(), url: redactLocation(url, url, secrets), ...NOTHING },
      response: {
        status: response?.status() ?? 0,
        ...NOTHING,
        content: { size: -1, mimeType: evidenceText(response?.headers()['content-type'] ?? '') },
        redirectURL: location === undefined ? '' : redactLocation(location, url, secrets),
      },
      timings: { send: 0, wait: Math.max(0, timing.responseStart), receive: -1 },
      _resourceType: request.resourceType(),
      _error: failure === null ? null : evidenceText(failure),
      _refusedByGatewatch: isRefused(new URL(url)),
    };
  });
  return JSON.stringify({ log: { version: '1.2', creator: { name: 'gatewatch', version: '' }, entries } });
}

/** Fields of a HAR that are left empty: headers, cookies, bodies. */
const NOTHING = {
  httpVersion: '',
  headers: [],
  cookies: [],
  queryString: [],
  headersSize: -1,
  bodySize: -1,
} as const;
