// Snapshots as watch.ts builds them, for tests of pages, API and metrics: a site of 34 protected and 3 public
// services in two zones, all well or with the gate's session store full.

import { component } from '../../src/model/component.ts';
import type { Incident } from '../../src/model/incident.ts';
import type { StoredResult } from '../../src/model/result.ts';
import type { CheckStatus, ComponentStatus, Snapshot, TargetStatus } from '../../src/model/snapshot.ts';
import type { SignatureId, SignatureText, Verdict } from '../../src/model/verdict.ts';
import type { Actions, Reads } from '../../src/web/reads.ts';

export const NOW = Date.parse('2026-04-18T09:56:04Z');
const MINUTE = 60_000;

const NAMES =
  'grafana prometheus alerts wiki cloud office mail calendar photos music films books recipes tasks notes git ci registry packages vault paste rss search maps translate draw board chat meet forms survey invoices time stock'.split(
    ' ',
  );
const PUBLIC = ['www.example.com', 'hooks.example.com/github', 'status.example.net'];

export const SESSION_FULL_TEXT: SignatureText = {
  id: 'gate-no-session' as SignatureId,
  pointsAt: ['gate-sessions'],
  phrase: 'get an empty 400',
  meaning: 'The gate could not store a new session and answered 400 without a body.',
  firstCheck: 'kubectl -n authentik exec deploy/outpost -- df -h /dev/shm',
  source: 'reference/authentik.md 2',
};

interface Shape {
  /** Verdict of one check. */
  readonly verdict: (visit: string, path: string, target: string) => Verdict | null;
  readonly incidents?: readonly Incident[];
  readonly componentState?: (type: string) => ComponentStatus['state'];
  readonly configError?: string;
}

export function snapshotOf({
  verdict,
  incidents = [],
  componentState = () => 'ok',
  configError,
}: Shape): Snapshot {
  const ids = [
    ...NAMES.map((name, index) => `${name}.example.${index % 5 === 4 ? 'net' : 'com'}`),
    ...PUBLIC,
  ];
  const checks: CheckStatus[] = [];
  const targets = ids.map((id): TargetStatus => {
    const open = PUBLIC.includes(id);
    const visits = open ? ['fresh'] : ['fresh', 'return'];
    const own = visits.flatMap((visit) =>
      ['cdn', 'origin'].map((path) => checkOf(visit, path, id, verdict(visit, path, id))),
    );
    checks.push(...own);
    const expectation = {
      is: open ? 'public' : 'login',
      status: [],
      location: null,
      header: {},
      contains: null,
      notContains: null,
    } as const;
    return {
      id,
      url: `https://${id}`,
      zone: id.split('/')[0]!.split('.').slice(-2).join('.'),
      gate: open ? null : 'authentik',
      paths: ['cdn', 'origin'],
      expect: { cdn: expectation, origin: expectation },
      labels: {},
      source: 'static',
      sources: ['static'],
      drift: [],
      isNew: false,
      checks: own.map((check) => check.id),
    };
  });
  checks.push(canaryOf('gate-ping', 'embedded'), canaryOf('control', 'https://www.debian.org'));
  const ways = [
    'resolver:1.1.1.1',
    'dns:example.com',
    'dns:example.net',
    'certificate:*.example.com@cdn',
    'certificate:*.example.com@origin',
    'cdn:cdn',
    'origin:origin',
    'gate:embedded',
    'gate-sessions:embedded',
    'idp:auth.example.com',
  ];
  return {
    at: NOW,
    startedAt: NOW - 3 * 86_400_000,
    version: '0.1.0',
    vantage: 'vps-frankfurt',
    demo: false,
    config: { file: 'gatewatch.yaml', loadedAt: NOW - 26 * 3_600_000, error: configError ?? null },
    discovery: { sources: [], drift: [] },
    targets,
    checks,
    components: ways.map((way) => {
      const type = way.split(':')[0]!;
      const state = componentState(type);
      return {
        component: component(type, way.slice(type.length + 1)),
        suspicion: state === 'down' ? 0.98 : state === 'ok' ? 0.002 : 0.03,
        state,
        checks: 74,
      };
    }),
    gates: [
      {
        outpost: 'embedded',
        gates: ['authentik'],
        store: 'files',
        budgetPerMinute: 1 / 6,
        tokens: 17.4,
        capacity: 40,
        created: 712,
        seen: 698,
        held: 1604,
        storeSessions: 16_384,
        lifetimeMs: 604_800_000,
      },
    ],
    incidents,
    maintenance: [],
    inbound: [],
    receivers: [
      { name: 'am', kind: 'alertmanager', queued: 0, lastDeliveryAt: NOW - 24_000, lastError: null },
      { name: 'phone', kind: 'webhook', queued: 0, lastDeliveryAt: null, lastError: null },
    ],
  };
}

function checkOf(visit: string, path: string, target: string, verdict: Verdict | null): CheckStatus {
  return {
    id: `${visit}:${path}:${target}`,
    kind: 'visit',
    target,
    visit,
    path,
    everyMs: visit === 'return' ? MINUTE : null,
    lastAt: verdict === null ? null : NOW - 22_000,
    nextAt: NOW + 38_000,
    verdict,
    signature: verdict === 'down' ? SESSION_FULL_TEXT.id : null,
    reason:
      verdict === 'down'
        ? 'the gate answered 400 without a body'
        : verdict === null
          ? ''
          : 'handed over to the login',
    status: verdict === null ? null : verdict === 'down' ? 400 : 302,
    durationMs: verdict === null ? null : 84,
    since: verdict === null ? null : NOW - 44 * MINUTE,
    idle: null,
  };
}

function canaryOf(canary: string, name: string): CheckStatus {
  return { ...checkOf(canary, 'x', name, 'up'), id: `canary:${canary}:${name}`, kind: 'canary', path: null };
}

export const allWell = (): Snapshot => snapshotOf({ verdict: () => 'up' });

export const INCIDENT: Incident = {
  id: 'i7',
  kind: 'shared',
  state: 'open',
  blame: component('gate-sessions', 'embedded'),
  firstBlame: component('gate-sessions', 'embedded'),
  reason: null,
  signature: SESSION_FULL_TEXT.id,
  startedAt: NOW - 44 * MINUTE,
  openedAt: NOW - 43 * MINUTE,
  resolvedAt: null,
  targets: [...NAMES.map((name, index) => `${name}.example.${index % 5 === 4 ? 'net' : 'com'}`)].sort(),
  tried: 34,
  behind: 34,
  lanes: [
    { visit: 'fresh', path: 'cdn', failing: 34, tried: 34 },
    { visit: 'fresh', path: 'origin', failing: 34, tried: 34 },
    { visit: 'return', path: 'cdn', failing: 0, tried: 34 },
    { visit: 'return', path: 'origin', failing: 0, tried: 34 },
  ],
  inCommon: [],
  acquitted: [
    {
      component: component('cdn', 'cdn'),
      tested: true,
      evidence: 'the same failure straight to the origin (34 of 34)',
    },
    {
      component: component('origin', 'origin'),
      tested: true,
      evidence: 'visitors with a kept cookie pass it (34 of 34)',
    },
    {
      component: component('gate', 'embedded'),
      tested: true,
      evidence: 'visitors with a kept cookie pass it (34 of 34), its ping is green',
    },
    { component: component('dns', 'example.com'), tested: true, evidence: 'names resolve (2 of 2)' },
    { component: component('idp', 'auth.example.com'), tested: false, evidence: 'no stranger gets that far' },
  ],
  probability: 0.98,
  severity: 1,
  runnerUp: { component: component('gate', 'embedded'), odds: 0.01 },
  ambiguous: [],
  flaps: 0,
  probesSpent: 12,
  sessionsSpent: 3,
  unaffected: ['wiki.example.com'],
  wouldHelp: null,
  strays: [],
  supersededBy: null,
  detail: null,
  labels: null,
};

export const sessionsFull = (): Snapshot =>
  snapshotOf({
    verdict: (visit, _path, target) => (visit === 'fresh' && !PUBLIC.includes(target) ? 'down' : 'up'),
    incidents: [INCIDENT],
    componentState: (type) => (type === 'gate-sessions' ? 'down' : type === 'idp' ? 'untested' : 'ok'),
  });

/** Id of the files of a failed visit. */
export const ARTIFACT = 'f'.repeat(32);

export const STORED: StoredResult = {
  id: 91_204,
  at: NOW - 22_000,
  check: 'fresh:cdn:grafana.example.com',
  verdict: 'down',
  signature: SESSION_FULL_TEXT.id,
  reason: 'the gate answered 400 without a body',
  status: 400,
  durationMs: 84,
  evidence: [
    {
      url: 'https://grafana.example.com/',
      remote: '104.16.1.1:443',
      resolver: '1.1.1.1:53',
      timings: { dnsMs: 8, connectMs: 11, tlsMs: 19, firstByteMs: 44, transferMs: 1 },
      status: 400,
      headers: { server: 'cloudflare', 'cf-ray': '8f00', 'content-length': '0' },
      location: null,
      setCookies: [],
      bodyBytes: 0,
      certificate: { name: '*.example.com', issuer: 'Example CA', notAfter: NOW + 60 * 86_400_000 },
      error: null,
    },
  ],
};

/** Read side over one snapshot. */
export function readsOf(snapshot: () => Snapshot, results: readonly StoredResult[] = [STORED]): Reads {
  return {
    snapshot,
    results: ({ check, limit }) =>
      results.filter((result) => check === null || result.check === check).slice(0, limit),
    incidents: ({ limit }) => snapshot().incidents.slice(0, limit),
    incident: (id) => snapshot().incidents.find((incident) => incident.id === id) ?? null,
    artifact: (id, kind) => (id === ARTIFACT && kind !== 'console' ? Buffer.from(`<b>${kind}</b>`) : null),
    artifacts: (id) => (id === ARTIFACT ? ['screenshot', 'exchanges'] : []),
    texts: (id) => (id === SESSION_FULL_TEXT.id ? SESSION_FULL_TEXT : null),
    summary: () => ({
      summary:
        'authentik cannot create new sessions: strangers get an empty 400 on 34 of 34 services tried, through the CDN and at the origin; signed-in users still get in',
      description:
        'Every visit without a cookie fails since 09:12 UTC, on both paths. Visitors with a kept cookie still pass, so people who are signed in notice nothing.',
      evidence: [
        {
          alertname: 'NodeNotReady',
          component: 'node:rack-1',
          effect: 'inform',
          startsAt: NOW,
          holdsUntil: null,
        },
      ],
      firstCheck:
        "kubectl -n authentik logs -l goauthentik.io/outpost-name=authentik-embedded-outpost --since=1h | grep -iE 'error|no space'",
    }),
  };
}

export const idleActions: Actions = {
  reload: () => Promise.resolve({ ok: true, problems: [] }),
  run: () => Promise.resolve('queued'),
  probe: () => Promise.resolve({ kind: 'late', waitedMs: 100 }),
  inbound: (alerts) => alerts.length,
};
