// Made-up results for the store's figures: a site of many targets, mostly up, with single faults and outages.

import type { Evidence } from '../../src/model/evidence.ts';
import type { EpochMs } from '../../src/model/observation.ts';
import type { SignatureId } from '../../src/model/verdict.ts';
import type { ResultForm } from '../../src/store/result-form.ts';
import { nextId } from '../../src/store/result-ids.ts';
import type { PendingResult } from '../../src/store/result-rows.ts';

/** Index of `down` in VERDICTS. */
const DOWN = 2;
/** One result in so many is a fault by itself, and one check in so many hours has an outage of half an hour. */
const FAULT_ONE_IN = 500;
const OUTAGE_ONE_IN = 100;
const HALF_HOUR_MS = 1_800_000;
const VISITS = [
  { visit: 'fresh', path: 'cdn', exchanges: 1 },
  { visit: 'return', path: 'cdn', exchanges: 1 },
  { visit: 'return', path: 'origin', exchanges: 2 },
] as const;

export interface Site {
  readonly targets: number;
  /** Visits of each target, at most 3. */
  readonly visits: number;
  /** Results a second of the whole site. */
  readonly rate: number;
  readonly startAt: EpochMs;
}

interface Standing {
  readonly name: string;
  readonly target: string;
  readonly path: string;
  readonly visit: string;
  readonly good: ResultForm;
  readonly bad: ResultForm;
}

export function targetName(index: number): string {
  return `service-${index}.example.com`;
}

export function checkName(index: number): string {
  return `return:cdn:${targetName(index)}`;
}

/** Results one after the other, `batch` at a time. */
export function* batchesOf(site: Site, total: number, batch: number): Generator<PendingResult[]> {
  const standings = Array.from({ length: site.targets * site.visits }, (_, index) => standingOf(site, index));
  let lastId = 0;
  for (let first = 0; first < total; first += batch) {
    yield Array.from({ length: Math.min(batch, total - first) }, (_, offset) => {
      const one = resultOf(site, standings, first + offset, lastId);
      lastId = one.id;
      return one;
    });
  }
}

function resultOf(site: Site, standings: readonly Standing[], index: number, lastId: number): PendingResult {
  const at = Math.floor(site.startAt + (index * 1000) / site.rate);
  const check = index % standings.length;
  const standing = standings[check]!;
  const { good, bad, name, ...subject } = standing;
  const roll = noise(index);
  const outage = noise(check * 7919 + Math.floor(at / HALF_HOUR_MS)) % OUTAGE_ONE_IN === 0;
  const down = outage || roll % FAULT_ONE_IN === 0;
  return {
    id: nextId(lastId, at),
    at,
    check: name,
    kind: 'visit',
    ...subject,
    verdict: down ? DOWN : 0,
    durationUs: 20_000 + (roll % 90_000),
    extra: false,
    form: timed(down ? bad : good, roll),
  };
}

function standingOf(site: Site, index: number): Standing {
  const target = targetName(index % site.targets);
  const { visit, path, exchanges } = VISITS[Math.floor(index / site.targets) % VISITS.length]!;
  const good = Array.from({ length: exchanges }, () => evidenceOf(target, 302));
  return {
    name: `${visit}:${path}:${target}`,
    target,
    path,
    visit,
    good: { signature: null, status: 302, reason: 'a stranger is handed over to the login', evidence: good },
    bad: {
      signature: 'gate-no-session' as SignatureId,
      status: 400,
      reason: 'the gate answers an empty 400: it cannot store a new session',
      evidence: [evidenceOf(target, 400)],
    },
  };
}

function evidenceOf(target: string, status: number): Evidence {
  return {
    url: `https://${target}/`,
    remote: '203.0.113.10:443',
    resolver: null,
    timings: { dnsMs: null, connectMs: 1.2, tlsMs: 4.6, firstByteMs: 20, transferMs: 0.3 },
    status,
    headers: {
      server: 'cloudflare',
      date: 'Thu, 16 Apr 2026 17:00:00 GMT',
      'cf-ray': '8f2b6b1c4d5e6f70-FRA',
      'content-type': 'text/html; charset=utf-8',
      'content-length': '138',
    },
    location:
      status === 302 ? 'https://auth.example.com/application/o/authorize/?client_id=abc&state=…' : null,
    setCookies: status === 302 ? ['authentik_proxy_7f3c2a'] : [],
    bodyBytes: 138,
    certificate: { name: '*.example.com', issuer: 'E7', notAfter: Date.UTC(2026, 6, 1) },
    error: null,
  };
}

/** The same answer with other timings, in tenths of a millisecond. */
function timed(form: ResultForm, roll: number): ResultForm {
  const timings = {
    dnsMs: null,
    connectMs: (10 + (roll % 37)) / 10,
    tlsMs: (40 + (roll % 101)) / 10,
    firstByteMs: (150 + (roll % 997)) / 10,
    transferMs: (1 + (roll % 11)) / 10,
  };
  return { ...form, evidence: form.evidence.map((one) => ({ ...one, timings })) };
}

/** A number from a number, always the same, without a pattern. */
function noise(seed: number): number {
  let value = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  value = Math.imul(value ^ (value >>> 15), 0x85ebca6b) >>> 0;
  return (value ^ (value >>> 13)) >>> 0;
}
