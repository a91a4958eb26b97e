// Claims and sources for tests of discovery.

import type { SourceListing, Trust } from '../../src/discover/claim.ts';
import type { Found, View } from '../../src/discover/discoverer.ts';
import type { MergeSetting } from '../../src/discover/merge.ts';
import { staticTarget } from '../../src/discover/static.ts';
import { plainExpectation } from '../../src/discover/target-options.ts';
import type { ExpectationKind, Target } from '../../src/model/target.ts';

/** A whole host without any knowledge of it. */
export function found(host: string, part: Partial<Found> = {}): Found {
  return {
    object: `route ${host}`,
    scheme: 'https',
    host,
    pathname: '/',
    expect: null,
    gate: null,
    paths: null,
    wake: 'always',
    labels: {},
    owner: null,
    createdAt: null,
    wishes: {},
    ...part,
  };
}

export function listingOf(
  source: string,
  all: readonly Found[],
  part: { view?: View; trust?: Partial<Trust> } = {},
): SourceListing {
  const trust: Trust = {
    hosts: ['*.example.com'],
    overrides: false,
    labels: [],
    limit: 1_000,
    ...part.trust,
  };
  return { source, view: part.view ?? 'proxy', trust, listing: { found: all, notes: [] } };
}

export const SETTING: MergeSetting = {
  defaults: {
    gate: 'authentik',
    expect: { shape: 'one', expectation: plainExpectation('login') },
    paths: ['cdn', 'origin'],
    timeoutMs: 10_000,
    slowMs: 5_000,
    headers: {},
  },
  zones: [],
  gates: ['authentik', 'second'],
  paths: ['cdn', 'origin', 'direct'],
  reserved: new Set(['severity', 'alertname', 'notify']),
};

/** A target of the static list. */
export function fixed(url: string, is: ExpectationKind = 'login'): Target {
  const expect = { shape: 'one' as const, expectation: plainExpectation(is) };
  return staticTarget({ url, expect }, SETTING.defaults, []);
}
