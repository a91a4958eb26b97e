// Prometheus' target groups, `[{ targets, labels }]`, as `file_sd` and `http_sd` share them
// (prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config). A target is a host, a host with
// 80 or 443, or a URL. Labels are wishes of whoever wrote the list; `__expect__` and `__gate__` are ours, other names
// with two underscores are Prometheus' own and mean nothing here.

import { z } from 'zod';
import { EXPECTATION_KINDS } from '../model/target.ts';
import { decoded } from './decode.ts';
import type { Found, Listing, Note, Wishes } from './discoverer.ts';

const groupsSchema = z.array(
  z.object({
    targets: z.array(z.string()),
    labels: z.record(z.string(), z.string()).nullish(),
  }),
);

/** Everything in a document of groups; throws DiscoveryError when it is none. `what` names the document. */
export function listingFromGroups(value: unknown, source: string, what: string): Listing {
  const found: Found[] = [];
  const notes: Note[] = [];
  for (const [index, { targets, labels }] of decoded(groupsSchema, value, source, what).entries()) {
    for (const text of targets) {
      const object = `${what} group ${index}`;
      const place = placeOf(text);
      if ('why' in place) notes.push({ object, why: place.why });
      else found.push({ object, ...place, ...meaningOf(labels ?? {}, object, notes) });
    }
  }
  return { found, notes };
}

type Place = Pick<Found, 'scheme' | 'host' | 'pathname'>;

/** Where a target text points to, or why it cannot be watched. Host and pathname stay as written. */
export function placeOf(text: string): Place | { readonly why: string } {
  const [, scheme, host, port, pathname] =
    /^(?:(https?):\/\/)?([^/:?#@[\]\s]+)(?::(\d{1,5}))?(\/[^\s]*)?$/.exec(text) ?? [];
  if (host === undefined) return { why: 'has a target that is neither a host nor an http or https URL' };
  const plain = scheme === 'http' || (scheme === undefined && port === '80');
  const own = plain ? '80' : '443';
  if (port !== undefined && port !== own)
    return { why: `has a target on port ${Number(port)}; only 80 and 443 are probed` };
  return { scheme: plain ? 'http' : 'https', host, pathname: pathname ?? '/' };
}

function meaningOf(
  labels: Readonly<Record<string, string>>,
  object: string,
  notes: Note[],
): Omit<Found, 'object' | keyof Place> {
  const asked = labels['__expect__'];
  const expect = EXPECTATION_KINDS.find((kind) => kind === asked);
  if (asked !== undefined && expect === undefined)
    notes.push({ object, why: `has an __expect__ that is none of ${EXPECTATION_KINDS.join(', ')}` });
  const own = Object.entries(labels).filter(([name]) => !name.startsWith('__'));
  const wishes: Wishes = {
    ...(expect === undefined ? {} : { expect }),
    ...(own.length === 0 ? {} : { labels: Object.fromEntries(own) }),
  };
  return {
    expect: null,
    gate: labels['__gate__'] ?? null,
    paths: null,
    wake: 'always',
    labels: {},
    owner: null,
    createdAt: null,
    wishes,
  };
}
