// What becomes of claims: who is believed, what is only drift, and that the static list always wins.

import { describe, expect, test } from 'vitest';
import type { Found } from '../../../src/discover/discoverer.ts';
import { type Merged, mergeTargets } from '../../../src/discover/merge.ts';
import type { Drift } from '../../../src/model/drift.ts';
import { fixed, found, listingOf, SETTING } from '../../support/found.ts';

const kinds = ({ targets }: Merged): Record<string, string> =>
  Object.fromEntries(
    targets.map(({ id, expect: by }) => [
      id,
      Object.values(by)
        .map(({ is }) => is)
        .join('/'),
    ]),
  );
const drifts = ({ drift }: Merged): string[] => drift.map(({ kind, target }: Drift) => `${kind} ${target}`);
const from = (...all: Found[]): Merged => mergeTargets([], [listingOf('proxy', all)], SETTING);
const overriding = (...all: Found[]): Merged =>
  mergeTargets(
    [],
    [listingOf('proxy', all, { trust: { overrides: true, labels: ['team', 'severity'] } })],
    SETTING,
  );

test('takes what a source knows, and the defaults where it does not', () => {
  const merged = from(
    found('a.example.com'),
    found('b.example.com', { expect: 'app' }),
    found('c.example.com', {
      expect: { cdn: 'challenge', origin: 'app' },
      labels: { namespace: 'web' },
      owner: 'web',
    }),
    found('d.example.com', { expect: 'login', gate: 'second', paths: ['direct', 'gone'], wake: 'never' }),
  );
  expect(kinds(merged)).toEqual({
    'a.example.com': 'login/login',
    'b.example.com': 'app/app',
    'c.example.com': 'challenge/app',
    'd.example.com': 'login',
  });
  const [a, , c, d] = merged.targets;
  expect(a).toMatchObject({ gate: 'authentik', source: 'proxy', owner: 'proxy', paths: ['cdn', 'origin'] });
  expect(c).toMatchObject({ owner: 'proxy/web', labels: { namespace: 'web' } });
  expect(d).toMatchObject({ gate: 'second', paths: ['direct'], wake: 'never' });
  expect(merged.drift).toEqual([]);
});

test.each(['victim.gov', 'example.com', 'evilexample.com', 'a.example.com.evil.net'])(
  'never probes %s, which is outside, and says so',
  (host) => {
    const merged = from(found(host));
    expect(merged.targets).toEqual([]);
    expect(drifts(merged)).toEqual(['outside null']);
  },
);

test.each([
  '10.0.0.1',
  '*.example.com',
  'a..example.com',
  `${'a'.repeat(64)}.example.com`,
  `${'a.'.repeat(130)}example.com`,
  '😀.example.com',
  'a_b.example.com',
  '-a.example.com',
  'user@a.example.com',
  'a.example.com:8443',
  'a.example.com/x',
  'a.example.com?x',
  'a b.example.com',
  "a';drop.example.com",
  'a\n.example.com',
  '[::1]',
  'localhost',
  '0x7f.1',
  '',
])('never probes %j, which is no host name, and does not repeat it', (host) => {
  const merged = from(found(host, { object: 'ingress web/bad' }));
  expect(merged.targets).toEqual([]);
  expect(merged.drift).toEqual([
    {
      kind: 'object',
      target: null,
      source: 'proxy',
      text: 'ingress web/bad: has a host that is no host name',
    },
  ]);
});

test.each([
  'no-slash',
  '/a?b',
  '/a#b',
  '/a\\b',
  '/a b',
  '/../etc',
  '//evil.example',
  '/ü',
  `/${'a'.repeat(1_024)}`,
])('never probes the pathname %j', (pathname) => {
  const merged = from(found('a.example.com', { pathname }));
  expect(merged.targets).toEqual([]);
  expect(drifts(merged)).toEqual(['object null']);
});

describe('wishes', () => {
  test('may be stricter, but not looser', () => {
    const merged = from(
      found('a.example.com', { expect: 'app', wishes: { expect: 'login' } }),
      found('b.example.com', { expect: 'login', wishes: { expect: 'public' } }),
      found('c.example.com', { wishes: { watch: false } }),
      found('d.example.com', { wishes: { pathname: '/health' } }),
      found('e.example.com', { wishes: { paths: ['direct'], labels: { team: 'ops' } } }),
    );
    expect(kinds(merged)).toEqual({
      'a.example.com': 'login/login',
      'b.example.com': 'login/login',
      'c.example.com': 'login/login',
      'd.example.com': 'login/login',
      'e.example.com': 'login/login',
    });
    expect(merged.targets.at(-1)).toMatchObject({ labels: {} });
    expect(drifts(merged)).toEqual([
      'refused b.example.com',
      'refused c.example.com',
      'refused null',
      'refused null',
    ]);
  });

  test('count from a source with overrides, but never labels that alerts are routed by', () => {
    const merged = overriding(
      found('b.example.com', { expect: 'login', wishes: { expect: 'public' } }),
      found('c.example.com', { wishes: { watch: false } }),
      found('d.example.com', { wishes: { pathname: '/health', paths: ['direct'] } }),
      found('e.example.com', { wishes: { labels: { team: 'ops', severity: 'none', other: 'x' } } }),
    );
    expect(kinds(merged)).toEqual({
      'b.example.com': 'public/public',
      'd.example.com/health': 'login',
      'e.example.com': 'login/login',
    });
    expect(merged.targets.at(-1)?.labels).toEqual({ team: 'ops' });
    expect(merged.drift).toEqual([]);
  });

  test('count no more where a host has several owners', () => {
    const merged = overriding(
      found('a.example.com', { expect: 'login', owner: 'web' }),
      found('a.example.com', { expect: 'login', owner: 'evil', wishes: { watch: false, expect: 'public' } }),
    );
    expect(kinds(merged)).toEqual({ 'a.example.com': 'login/login' });
    expect(drifts(merged)).toEqual(['refused a.example.com', 'refused a.example.com']);
  });
});

test('takes a carve-out from the owner of the host, and from nobody else', () => {
  const host = found('a.example.com', { expect: 'login', owner: 'web' });
  const own = found('a.example.com', { expect: 'public', pathname: '/hook', owner: 'web' });
  const foreign = found('a.example.com', { expect: 'public', pathname: '/admin', owner: 'evil' });
  const merged = from(host, own, foreign);
  expect(kinds(merged)).toEqual({ 'a.example.com': 'login/login', 'a.example.com/hook': 'public/public' });
  expect(drifts(merged)).toEqual(['refused a.example.com/admin']);
});

test('takes the strictest of several sources, and tells who disagrees', () => {
  const merged = mergeTargets(
    [],
    [
      listingOf('traefik', [
        found('a.example.com', { expect: 'app' }),
        found('b.example.com', { expect: 'login' }),
      ]),
      listingOf(
        'authentik',
        [found('a.example.com', { expect: 'login' }), found('x.example.com', { expect: 'login' })],
        {
          view: 'gate',
        },
      ),
      listingOf('list', [found('b.example.com', { expect: 'public' })], { view: 'list' }),
    ],
    SETTING,
  );
  expect(kinds(merged)).toMatchObject({ 'a.example.com': 'login/login', 'b.example.com': 'login/login' });
  expect(drifts(merged)).toEqual([
    'disagree b.example.com',
    'no-gate a.example.com',
    'no-route x.example.com',
  ]);
  expect(merged.sources.get(merged.targets[0]!.id)).toEqual(['authentik', 'traefik']);
});

test('leaves the static list as it is, whatever sources say', () => {
  const statics = [fixed('https://a.example.com'), fixed('https://b.example.com', 'public')];
  const merged = mergeTargets(
    statics,
    [
      listingOf(
        'proxy',
        [
          found('a.example.com', { expect: 'app', wishes: { watch: false, expect: 'public' } }),
          found('b.example.com', { expect: 'login', gate: 'second' }),
        ],
        { trust: { overrides: true } },
      ),
      listingOf('proxy2', [found('a.example.com', { expect: 'app' })]),
    ],
    SETTING,
  );
  expect(merged.targets).toEqual(statics);
  expect(drifts(merged)).toEqual(['disagree b.example.com', 'no-gate a.example.com']);
  expect(merged.sources.get(statics[0]!.id)).toEqual(['static', 'proxy2']);
});

test('keeps the oldest within the limits of an owner and of a source, and says how many are left out', () => {
  const many = (owner: string, count: number): Found[] =>
    Array.from({ length: count }, (_, at) => found(`${owner}-${at}.example.com`, { owner, createdAt: at }));
  const one = mergeTargets([], [listingOf('proxy', many('evil', 230))], SETTING);
  expect(one.targets).toHaveLength(200);
  expect(one.targets.map(({ id }) => String(id))).not.toContain('evil-200.example.com');
  expect(one.drift.map(({ text }) => text)).toEqual(['proxy/evil has 30 targets more than are taken']);
  const all = mergeTargets(
    [],
    [
      listingOf('proxy', [...many('new', 5), ...many('old', 5).map((each) => ({ ...each, createdAt: -1 }))], {
        trust: { limit: 5 },
      }),
    ],
    SETTING,
  );
  expect(all.targets.every(({ owner }) => owner === 'proxy/old')).toBe(true);
});

test('refuses a login without any gate, and a gate that nobody configured', () => {
  const setting = { ...SETTING, defaults: { ...SETTING.defaults, gate: null } };
  const all = [
    found('a.example.com'),
    found('b.example.com', { expect: 'app' }),
    found('c.example.com', { gate: 'unknown' }),
  ];
  const merged = mergeTargets([], [listingOf('proxy', all)], setting);
  expect(kinds(merged)).toEqual({ 'b.example.com': 'app/app' });
  expect(drifts(merged)).toEqual(['object a.example.com', 'object c.example.com']);
});
