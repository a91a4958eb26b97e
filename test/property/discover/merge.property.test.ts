// Merging, whatever sources say: the same in any order and again, no check of the static list lost or loosened, and
// only hosts that the operator allowed.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hostnameOf } from '../../../src/discover/hostname.ts';
import { mergeTargets } from '../../../src/discover/merge.ts';
import { EXPECTATION_KINDS } from '../../../src/model/target.ts';
import { fixed, found, listingOf, SETTING } from '../../support/found.ts';

const kind = fc.constantFrom(...EXPECTATION_KINDS);
const host = fc.constantFrom(
  'a.example.com',
  'b.example.com',
  'c.example.com',
  'A.example.com',
  'evil.net',
  'x_y',
  '',
);
const claim = fc
  .record({
    host: fc.oneof({ weight: 9, arbitrary: host }, fc.string()),
    pathname: fc.constantFrom('/', '/hook', '/a?b'),
    expect: fc.oneof(fc.constant(null), kind, fc.record({ cdn: kind, origin: kind })),
    gate: fc.constantFrom(null, 'authentik', 'second', 'unknown'),
    owner: fc.constantFrom(null, 'web', 'evil'),
    createdAt: fc.option(fc.nat(3)),
    wake: fc.constantFrom('always' as const, 'never' as const),
    labels: fc.dictionary(fc.constantFrom('namespace', 'severity', '__x'), fc.string({ maxLength: 3 })),
    wishes: fc.record(
      {
        watch: fc.boolean(),
        expect: kind,
        pathname: fc.constantFrom('/w', 'w'),
        paths: fc.constant(['direct']),
      },
      { requiredKeys: [] },
    ),
  })
  .map(({ host: name, ...part }) => found(name, { object: `route ${part.owner}`, ...part }));
const source = fc.record({
  name: fc.constantFrom('one', 'two', 'three'),
  view: fc.constantFrom('proxy' as const, 'gate' as const, 'list' as const),
  overrides: fc.boolean(),
  limit: fc.constantFrom(1, 3, 1_000),
  all: fc.array(claim, { maxLength: 8 }),
});
const sources = fc
  .uniqueArray(source, { maxLength: 3, selector: ({ name }) => name })
  .map((all) => all.map(({ name, view, all: claims, ...trust }) => listingOf(name, claims, { view, trust })));
const statics = [fixed('https://a.example.com'), fixed('https://b.example.com/hook', 'public')];
const merge = (listings: Parameters<typeof mergeTargets>[1]) => mergeTargets(statics, listings, SETTING);
const settings = { numRuns: 1_000, interruptAfterTimeLimit: 10_000 };

test('is the same in any order, and merging again changes nothing', () => {
  fc.assert(
    fc.property(sources, (listings) => {
      const merged = merge(listings);
      expect(merge(listings)).toEqual(merged);
      const turned = listings.toReversed().map((one) => ({
        ...one,
        listing: { ...one.listing, found: one.listing.found.toReversed() },
      }));
      expect(merge(turned)).toEqual(merged);
    }),
    settings,
  );
});

test('neither loses nor changes a target of the static list', () => {
  fc.assert(
    fc.property(sources, (listings) => {
      expect(merge(listings).targets.slice(0, statics.length)).toEqual(statics);
    }),
    settings,
  );
});

test('adds only what is allowed: unique, covered, a fixed point of URL parsing', () => {
  fc.assert(
    fc.property(sources, (listings) => {
      const { targets, sources: named, drift } = merge(listings);
      expect(new Set(targets.map(({ id }) => id)).size).toBe(targets.length);
      for (const target of targets.slice(statics.length)) {
        expect(target.host).toMatch(/^[abc]\.example\.com$/);
        expect(new URL(target.url).href).toBe(target.url);
        expect(Object.keys(target.labels)).not.toContain('severity');
        expect(Object.keys(target.expect)).toEqual([...target.paths]);
        expect(named.get(target.id)?.length).toBeGreaterThan(0);
      }
      for (const { text } of drift) expect(text).toMatch(/^[\x20-\x7e]+$/);
    }),
    settings,
  );
});

test('a source that may not override never loosens what another one knows', () => {
  const strict = listingOf('gate', [found('c.example.com', { expect: 'login', owner: 'web' })], {
    view: 'gate',
  });
  fc.assert(
    fc.property(fc.array(claim, { maxLength: 8 }), (claims) => {
      const { targets } = merge([strict, listingOf('other', claims)]);
      const target = targets.find(({ id }) => id === 'c.example.com');
      expect(Object.values(target?.expect ?? {}).every(({ is }) => is === 'login' || is === 'closed')).toBe(
        true,
      );
      expect(target).toBeDefined();
    }),
    settings,
  );
});

test('a host name of a stranger is null or a fixed point of URL parsing', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.domain(), fc.webAuthority()), (text) => {
      const name = hostnameOf(text);
      if (name === null) return;
      expect(new URL(`https://${name}/`).hostname).toBe(name);
      expect(name).toMatch(/^[a-z0-9.-]+\.[a-z0-9-]+$/);
    }),
    settings,
  );
});
