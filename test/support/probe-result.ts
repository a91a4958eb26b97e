// Results for tests of the rooms behind the classifier: a healthy fresh visit unless told otherwise.

import { type Check, checkId, type Visit } from '../../src/model/check.ts';
import type { NetworkPath, PathName } from '../../src/model/network-path.ts';
import type { Exchange } from '../../src/model/observation.ts';
import type { ProbeResult } from '../../src/model/result.ts';
import type { Target, TargetId } from '../../src/model/target.ts';
import type { SignatureId, Verdict } from '../../src/model/verdict.ts';

export interface ResultWish {
  readonly at: number;
  readonly host?: string;
  readonly path?: string;
  readonly visit?: Visit;
  readonly verdict?: Verdict;
  readonly signature?: string | null;
  readonly reason?: string;
  readonly durationMs?: number;
  readonly exchanges?: readonly Exchange[];
  readonly extra?: boolean;
}

/** One exchange as a healthy gate answers. */
export function exchange(part: Partial<Exchange> = {}): Exchange {
  return {
    url: 'https://grafana.example.com/?secret=query',
    remote: { address: '203.0.113.10', port: 443 },
    resolver: null,
    timings: { dnsMs: null, connectMs: 1.23, tlsMs: 4.56, firstByteMs: 20.04, transferMs: 0.3 },
    tls: null,
    status: 302,
    headers: {
      location: 'https://auth.example.com/application/o/authorize/?client_id=abc&state=SECRET',
      server: 'caddy',
      date: 'Thu, 16 Apr 2026 17:00:00 GMT',
    },
    setCookies: [
      { name: 'authentik_proxy_1', raw: 'authentik_proxy_1=SECRET', deletes: false, maxAgeMs: null },
    ],
    sentCookies: [],
    body: 'SECRET BODY',
    bodyBytes: 12,
    bodyTruncated: false,
    error: null,
    ...part,
  };
}

/** A result of the corridor. */
export function probeResult(wish: ResultWish): ProbeResult {
  const verdict = wish.verdict ?? 'up';
  return {
    subject: checkOf(wish),
    at: wish.at,
    monotonicMs: 0,
    observation: {
      startedAt: wish.at,
      durationMs: wish.durationMs ?? 26.13,
      exchanges: wish.exchanges ?? [exchange()],
      stop: 'handover',
      error: null,
      flow: null,
      secrets: [],
    },
    judgement: {
      verdict,
      signature: (wish.signature ?? null) as SignatureId | null,
      pointsAt: [],
      reason: wish.reason ?? 'a stranger is handed over to the login',
      handover: null,
      sessionsSeen: 0,
      cookieLost: false,
      learned: [],
    },
    extra: wish.extra ?? false,
  };
}

function checkOf(wish: ResultWish): Check {
  const host = wish.host ?? 'grafana.example.com';
  const path = wish.path ?? 'cdn';
  const visit = wish.visit ?? 'fresh';
  return {
    kind: 'visit',
    id: checkId(visit, path, host),
    links: [],
    everyMs: 60_000,
    timeoutMs: 10_000,
    visit,
    target: { id: host as TargetId, host, headers: {} } as unknown as Target,
    path: { name: path as PathName } as NetworkPath,
    gate: null,
    account: null,
    expect: { is: 'login', status: [], location: null, header: {}, contains: null, notContains: null },
    costsSession: visit === 'fresh',
  };
}
