// Pages, API, metrics and the probe's questions with hostile text wherever text can be: a browser sees the tags that
// we wrote and no others, JSON stays JSON, and the exposition stays one sample a line.

import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { createMetrics } from '../../../src/metrics/metrics.ts';
import { component } from '../../../src/model/component.ts';
import type { Snapshot } from '../../../src/model/snapshot.ts';
import { targetId } from '../../../src/model/target.ts';
import { hostOfHeader, isKnownHost } from '../../../src/web/access.ts';
import { escapeJson } from '../../../src/web/json.ts';
import { checkPage, incidentPage } from '../../../src/web/page/detail-pages.ts';
import { layout } from '../../../src/web/page/layout.ts';
import { overview } from '../../../src/web/page/overview.ts';
import { parseProbeQuery } from '../../../src/web/probe-query.ts';
import { expectCleanPrototypes, hostile, hostileKey, timeBox } from '../../support/fuzz.ts';
import { tagsOf } from '../../support/html-tokens.ts';
import {
  allWell,
  INCIDENT,
  NOW,
  readsOf,
  SESSION_FULL_TEXT,
  STORED,
  sessionsFull,
} from '../../support/web-snapshot.ts';

const ASSETS = { stylesheet: '/static/a.css', script: '/static/a.js' };

afterEach(expectCleanPrototypes);

/** Any value of the same shape with other text in every string, but for those that choose among words. */
function rewritten<T>(value: T, texts: () => string, kept: ReadonlySet<string>): T {
  if (typeof value === 'string') return (kept.has(value) ? value : texts()) as T;
  if (Array.isArray(value)) return value.map((one: unknown) => rewritten(one, texts, kept)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, rewritten(one, texts, kept)]),
  ) as T;
}

/** Words that the pages switch on; everything else may be anything. */
const WORDS = new Set([
  'up',
  'down',
  'degraded',
  'unknown',
  'visit',
  'canary',
  'open',
  'recovering',
  'resolved',
  'shared',
  'ok',
  'suspect',
  'untested',
  'files',
  'database',
  'none',
  'login',
  'public',
  'fresh',
  'return',
  'cdn',
  'origin',
]);

const texts = fc.array(
  hostile.map((text) => text.toWellFormed()),
  { minLength: 3, maxLength: 12 },
);

function taker(list: readonly string[]): () => string {
  let index = 0;
  return () => list[index++ % list.length] ?? '';
}

async function pages(list: readonly string[]): Promise<string[]> {
  const take = taker(list);
  const small = (snapshot: Snapshot): Snapshot => ({
    ...snapshot,
    targets: snapshot.targets.slice(0, 3),
    checks: snapshot.checks.slice(0, 8),
  });
  const incident = rewritten(
    {
      ...INCIDENT,
      detail: 'x',
      reason: 'x',
      supersededBy: 'x',
      inCommon: ['x'],
      ambiguous: [component('x', 'y')],
    } as never,
    take,
    WORDS,
  ) as typeof INCIDENT;
  const snapshot = { ...rewritten(small(sessionsFull()), take, WORDS), incidents: [incident] };
  const text = rewritten({ summary: 'x', description: 'x', firstCheck: 'x', evidence: [] }, take, WORDS);
  const signature = rewritten(SESSION_FULL_TEXT, take, WORDS);
  const stored = rewritten(
    {
      ...STORED,
      evidence: [
        {
          ...STORED.evidence[0]!,
          location: 'x',
          setCookies: ['x'],
          error: { phase: 'dns' as const, code: 'reset' as const, message: 'x' },
        },
      ],
    },
    take,
    WORDS,
  );
  const reads = { ...readsOf(() => snapshot, [stored]), summary: () => text, texts: () => signature };
  const demo = { faults: () => [{ id: take(), title: take(), on: false }], set: () => {} };
  const contents = await Promise.all([
    overview(snapshot, { reads, demo, changes: true }).content,
    checkPage({
      check: snapshot.checks[0]!,
      results: [stored],
      signature,
      firstCheck: take(),
      now: NOW,
      changes: true,
      artifacts: () => ['screenshot', 'exchanges', 'console'],
    }),
    incidentPage(incident, { text, signature, now: NOW }),
  ]);
  return Promise.all(
    contents.map(async (content) =>
      String(await layout({ title: take(), tone: 'bad', snapshot, assets: ASSETS, content })),
    ),
  );
}

/** Tags and names of attributes of pages without anything hostile in them. */
async function ownVocabulary(): Promise<{ tags: Set<string>; attributes: Set<string> }> {
  const plain = (await pages(['www.plain.example/a_b'])).flatMap(tagsOf);
  return {
    tags: new Set(plain.map(({ name }) => name)),
    attributes: new Set(plain.flatMap(({ attributes }) => attributes.map(({ name }) => name))),
  };
}

test('no text becomes a tag, an attribute, or a link that runs', async () => {
  const own = await ownVocabulary();
  expect(own.tags.size).toBeGreaterThan(15);
  await fc.assert(
    fc.asyncProperty(texts, async (list) => {
      for (const page of await pages(list)) {
        for (const { name, attributes } of tagsOf(page)) {
          expect([...own.tags]).toContain(name);
          for (const attribute of attributes) {
            expect([...own.attributes]).toContain(attribute.name);
            if (['href', 'src', 'action'].includes(attribute.name))
              expect(attribute.value).toMatch(/^(\/(?![/\\])|data:image\/svg\+xml[,;]|#)/);
          }
        }
      }
    }),
    timeBox(6_000),
  );
});

test('the reader of this test sees what a browser would', () => {
  expect(tagsOf('<p class="a &lt; b">x &lt;b&gt;</p><br>').map(({ name }) => name)).toEqual(['p', 'br']);
  for (const broken of [
    '<p class=x>',
    '<p>a < b</p>',
    '<p title="a"b">',
    '<img src=x onerror=alert(1)>',
    '<p title="<x">"><script></p>',
  ]) {
    const seen = (): string[] => tagsOf(broken).map(({ name }) => name);
    expect(broken.includes('script') ? () => expect(seen()).not.toContain('script') : seen, broken).toThrow();
  }
});

test('JSON keeps its meaning and loses what a terminal obeys', () => {
  fc.assert(
    fc.property(fc.dictionary(hostileKey, fc.oneof(hostile, fc.jsonValue())), (value) => {
      const text = JSON.stringify(value);
      const escaped = escapeJson(text);
      expect(JSON.parse(escaped)).toEqual(JSON.parse(text));
      expect(escaped).not.toMatch(
        /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/,
      );
    }),
    timeBox(1_500),
  );
});

test('every sample of the exposition is one line of known form, whatever is in a label', async () => {
  const sample =
    /^[a-z_][a-z0-9_]*(\{([a-z_]+="(\\\\|\\n|\\"|[^"\\\n])*",?)*\})? (NaN|[+-]?(Inf|[0-9.e+-]+))$/;
  await fc.assert(
    fc.asyncProperty(texts, async (list) => {
      const metrics = createMetrics();
      const snapshot = rewritten(allWell(), taker(list), WORDS);
      metrics.bind(
        () => snapshot,
        () => 1,
      );
      metrics.notified(list[0]!);
      for (const line of (await metrics.text()).split('\n')) {
        if (line !== '' && !line.startsWith('# ')) expect(line).toMatch(sample);
      }
    }),
    timeBox(3_000),
  );
});

test('a question to /probe chooses a configured target or is refused in words of ours', () => {
  const { targets } = allWell();
  const query = fc.record({
    target: fc.oneof(
      hostile,
      fc.webUrl(),
      fc.constantFrom(
        targets[0]!.id,
        targets[0]!.url,
        `https://x@${targets[0]!.id}`,
        `${targets[0]!.id}:443`,
      ),
    ),
    hostname: fc.option(fc.oneof(hostile, fc.constant(targets[0]!.id))),
    module: fc.option(hostileKey),
    path: fc.option(hostileKey),
    timeout: fc.option(hostile),
  });
  fc.assert(
    fc.property(query, ({ timeout, ...given }) => {
      const parameters = new URLSearchParams();
      for (const [name, value] of Object.entries(given)) if (value !== null) parameters.set(name, value);
      const answer = parseProbeQuery(parameters, timeout, targets);
      if (typeof answer === 'string') expect(answer).toMatch(/^[A-Z][A-Za-z0-9 ,.;_/-]*$/);
      else expect(targets.map(({ id }) => id)).toContain(answer.wish.target);
    }),
    timeBox(1_500),
  );
});

test('names of hosts and ids of targets are fixed points, and no Host is known by a trick', () => {
  const options = { hosts: ['watch.example.com'], url: 'https://page.example.com' };
  const host = fc.oneof(
    hostile,
    fc.domain(),
    fc.webAuthority({ withPort: true, withIPv4: true, withIPv6: true }),
    fc.constantFrom(
      'watch.example.com',
      'WATCH.example.com.',
      'watch.example.com.evil.example',
      'localhost',
      '[::1]:1',
    ),
  );
  fc.assert(
    fc.property(host, (text) => {
      const name = hostOfHeader(text);
      if (name !== null && name !== '' && !name.includes(':')) expect(hostOfHeader(name)).toBe(name);
      if (isKnownHost(text, options))
        expect(name).toMatch(/^(watch\.example\.com|page\.example\.com|localhost|[0-9.]+|[0-9a-f:.]+)$/);
      const url = URL.parse(`https://${text}/x`);
      if (url === null || url.username !== '' || url.password !== '' || url.hash !== '') return;
      const id = targetId(url);
      expect(id).toMatch(/^[\x21-\x7e]+$/);
      expect(targetId(new URL(`https://${id}`))).toBe(id);
    }),
    timeBox(1_500),
  );
});
