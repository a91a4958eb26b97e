// What the pages say, and that nothing in them can become markup.

import { describe, expect, test } from 'vitest';
import { component } from '../../../src/model/component.ts';
import type { KeptFlow } from '../../../src/model/result.ts';
import { escapeJson } from '../../../src/web/json.ts';
import { checkPage, incidentPage } from '../../../src/web/page/detail-pages.ts';
import { fillFirstCheck } from '../../../src/web/page/first-check.ts';
import { layout } from '../../../src/web/page/layout.ts';
import { overview } from '../../../src/web/page/overview.ts';
import { clockTime, relative } from '../../../src/web/page/words.ts';
import {
  ARTIFACT,
  allWell,
  INCIDENT,
  NOW,
  readsOf,
  SESSION_FULL_TEXT,
  STORED,
  sessionsFull,
  snapshotOf,
} from '../../support/web-snapshot.ts';

const plain = (markup: unknown): string =>
  String(markup)
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');
const front = async (snapshot: ReturnType<typeof allWell>): Promise<string> =>
  String(await overview(snapshot, { reads: readsOf(() => snapshot), demo: null, changes: true }).content);

describe('the front page', () => {
  test('tells who gets in over which path', async () => {
    const text = plain(await front(sessionsFull()));
    expect(text).toMatch(/Strangers first visit, no cookie ✕ 34 of 37 fail ✕ 34 of 37 fail/);
    expect(text).toMatch(/Returning with a kept cookie ✓ 34 of 34 get in ✓ 34 of 34 get in/);
  });

  test('tells who is to blame, who is not and why, and what to do first', async () => {
    const text = plain(await front(sessionsFull()));
    expect(text).toMatch(/To blame gate-sessions embedded 98 % sure/);
    expect(text).toContain('cdn cdn the same failure straight to the origin (34 of 34)');
    expect(text).toContain('idp auth.example.com not tested: no stranger gets that far');
    expect(text).toMatch(/Check first kubectl -n authentik logs/);
    expect(text).toMatch(/since 09:12 UTC ?, 44 min/);
    expect(text).toContain('34 affected');
  });

  test('shows planned work: what runs now until when, what comes next, what is over', async () => {
    const time = (from: number) => ({ startsAt: NOW + from * 60_000, endsAt: NOW + (from + 60) * 60_000 });
    const maintenance = [
      { about: 'targets *.lab.test', now: time(-30), next: time(600) },
      { about: 'component gate:embedded', now: null, next: time(30) },
      { about: 'targets <b>', now: null, next: null },
    ];
    const html = await front({ ...allWell(), maintenance });
    expect(plain(html)).toMatch(
      /Maintenance ~ targets \*\.lab\.test until 10:26 UTC ?: no new alert · component gate:embedded next 10:26 UTC – targets &lt;b&gt; over/,
    );
    expect(plain(await front(allWell()))).not.toContain('Maintenance');
  });

  test('shows the alerts of others that fire, and what they hold until when', async () => {
    const fires = { alertname: 'NodeNotReady', component: 'node:rack-1', startsAt: NOW - 600_000 };
    const inbound = [
      { ...fires, effect: 'inform' as const, holdsUntil: null },
      { ...fires, effect: 'hold' as const, holdsUntil: NOW + 3_600_000 },
    ];
    const text = plain(await front({ ...allWell(), inbound }));
    expect(text).toMatch(/Evidence from elsewhere ! NodeNotReady node:rack-1 since 09:46 UTC ! /);
    expect(text).toContain(', alerts of its services wait until 10:56 UTC');
  });

  test('lists what fails before what is well', async () => {
    const html = await front(
      snapshotOf({ verdict: (_v, _p, target) => (target.startsWith('wiki') ? 'down' : 'up') }),
    );
    const rows = [...html.matchAll(/<th scope="row" class="name">([a-z]+)</g)].map((match) => match[1]);
    expect(rows[0]).toBe('wiki');
    expect(rows[1]).toBe('alerts');
  });

  test('says that a fault nothing explains is not explained', async () => {
    const incident = { ...INCIDENT, blame: null, firstBlame: null, inCommon: ['namespace media'] };
    const text = plain(await front({ ...sessionsFull(), incidents: [incident] }));
    expect(text).toMatch(
      /To blame nothing that gatewatch knows\. The services that fail share namespace media\./,
    );
  });

  test('shows a configuration that could not be loaded, and that nobody is told', async () => {
    const snapshot = { ...snapshotOf({ verdict: () => 'up', configError: 'line 12: bad' }), receivers: [] };
    const text = plain(await front(snapshot));
    expect(text).toContain('line 12: bad');
    expect(text).toContain('No receiver is configured: nobody is told.');
  });

  test('offers switches on the demo site, dead ones where changes are refused', async () => {
    const demo = { faults: () => [{ id: 'gate-down', title: 'gate down', on: true }], set: () => {} };
    const snapshot = allWell();
    const reads = readsOf(() => snapshot);
    const open = String(await overview(snapshot, { reads, demo, changes: true }).content);
    const wide = String(await overview(snapshot, { reads, demo, changes: false }).content);
    expect(open).toContain('action="/demo/faults/gate-down"');
    expect(open).toContain('value="false"');
    expect(open).not.toContain(' disabled');
    expect(wide).toContain(' disabled');
  });
});

describe('hostile text', () => {
  const HOSTILE = `"><img src=x onerror=alert(1)><script>alert(2)</script>'&`;
  /** Tags that are in no page of ours, attributes that run something. */
  const isClean = (html: string): void => {
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
    // Quoted values hold no quote of their own, or this would leave the attribute behind.
    expect(html.replace(/"[^"]*"/g, '""')).not.toMatch(/<img|<script>|<[^>]*\sonerror/);
  };

  test('stays text on the front page', async () => {
    const snapshot = sessionsFull();
    const incident = {
      ...INCIDENT,
      blame: component(HOSTILE, HOSTILE),
      targets: [HOSTILE],
      inCommon: [HOSTILE],
      acquitted: [{ component: component(HOSTILE, HOSTILE), tested: true, evidence: HOSTILE }],
    };
    const checks = snapshot.checks.map((check) => ({
      ...check,
      target: HOSTILE,
      reason: HOSTILE,
      idle: HOSTILE,
    }));
    const hostile = {
      ...snapshot,
      vantage: HOSTILE,
      version: HOSTILE,
      incidents: [incident],
      targets: snapshot.targets.slice(0, 1).map((target) => ({ ...target, id: HOSTILE })),
      checks,
      config: { ...snapshot.config, file: HOSTILE, error: HOSTILE },
      receivers: [{ name: HOSTILE, kind: HOSTILE, queued: 1, lastDeliveryAt: null, lastError: HOSTILE }],
    };
    const reads = {
      ...readsOf(() => hostile),
      summary: () => ({ summary: HOSTILE, description: HOSTILE, firstCheck: HOSTILE, evidence: [] }),
    };
    const content = overview(hostile, {
      reads,
      demo: { faults: () => [{ id: HOSTILE, title: HOSTILE, on: false }], set: () => {} },
      changes: true,
    }).content;
    isClean(
      String(
        await layout({
          title: HOSTILE,
          tone: 'bad',
          snapshot: hostile,
          assets: { stylesheet: '/a.css', script: '/a.js' },
          content: await content,
        }),
      ),
    );
  });

  test('stays text on the page of a check and of an incident', async () => {
    const evidence = { ...STORED.evidence[0]!, location: HOSTILE, setCookies: [HOSTILE], remote: HOSTILE };
    const check = { ...sessionsFull().checks[0]!, target: HOSTILE, reason: HOSTILE };
    const failed = { url: HOSTILE, type: HOSTILE, status: null, error: HOSTILE };
    const flow: KeptFlow = {
      steps: [{ name: HOSTILE, durationMs: 3, failed: HOSTILE }],
      end: 'page-blank',
      page: { blank: true, failedResources: [failed], consoleErrors: 1, pageErrors: 1 },
      artifacts: ARTIFACT,
    };
    const results = [{ ...STORED, reason: HOSTILE, evidence: [evidence], flow }];
    const signature = { ...SESSION_FULL_TEXT, meaning: HOSTILE };
    const own = { check, results, signature, firstCheck: HOSTILE, now: NOW, changes: true };
    isClean(String(await checkPage({ ...own, artifacts: () => ['screenshot'] })));
    const text = { summary: HOSTILE, description: HOSTILE, firstCheck: HOSTILE, evidence: [] };
    isClean(String(await incidentPage({ ...INCIDENT, detail: HOSTILE }, { text, signature, now: NOW })));
  });
});

test('the page of a check shows the steps of a failed flow and the files that are there', async () => {
  const flow: KeptFlow = {
    steps: [
      { name: 'open the service', durationMs: 210, failed: null },
      { name: 'see the login page', durationMs: 4000, failed: 'nothing came' },
    ],
    end: 'page-blank',
    page: {
      blank: true,
      failedResources: [{ url: 'https://auth.example.com/a.js', type: 'script', status: 429, error: null }],
      consoleErrors: 0,
      pageErrors: 0,
    },
    artifacts: ARTIFACT,
  };
  const { checks } = sessionsFull();
  const own = { check: checks[0]!, signature: null, firstCheck: null, now: NOW, changes: false };
  const page = String(
    await checkPage({ ...own, results: [{ ...STORED, flow }], artifacts: () => ['screenshot'] }),
  );
  for (const text of ['see the login page', 'nothing came', 'the login page is blank', '/a.js', '429'])
    expect(page).toContain(text);
  expect(page).toContain(`href="/artifacts/${ARTIFACT}/screenshot"`);
  expect(page).not.toContain('/console"');
  const none = String(await checkPage({ ...own, results: [STORED], artifacts: () => [] }));
  expect(none).not.toContain('Steps of the login');
});

describe('words', () => {
  test('a first check takes only values that a shell leaves alone', () => {
    const snapshot = allWell();
    const check = snapshot.checks.find(({ id }) => id === 'fresh:cdn:grafana.example.com')!;
    const template = 'curl https://{target}/ # {gate} {outpost} {path} {zone} {other}';
    expect(fillFirstCheck(template, check, snapshot)).toBe(
      'curl https://grafana.example.com/ # authentik embedded cdn example.com {other}',
    );
    const hostile = { ...check, path: '$(reboot)' };
    expect(fillFirstCheck('{path}', hostile, snapshot)).toBe('<path>');
  });

  test('instants are UTC and say the day when it is another', () => {
    expect(clockTime(NOW, NOW)).toBe('09:56 UTC');
    expect(clockTime(NOW - 86_400_000, NOW)).toBe('2026-04-17 09:56 UTC');
    expect([relative(NOW - 22_400, NOW), relative(NOW + 180_000, NOW), relative(NOW, NOW)]).toEqual([
      '22 s ago',
      'in 3 min',
      'now',
    ]);
  });

  test('JSON escapes what a terminal would obey, and stays the same JSON', () => {
    const value = { text: 'a\u009b31m\u202e\u200b\u2028\u007f\u001b]52;c;x\ufeffü€😀' };
    const escaped = escapeJson(JSON.stringify(value));
    expect(escaped).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/);
    expect(escaped).toContain('\\u009b31m\\u202e');
    expect(JSON.parse(escaped)).toEqual(value);
  });
});
