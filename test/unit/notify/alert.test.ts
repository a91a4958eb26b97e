// Labels to the letter of the contract, and sentences that claim only what was seen.

import { describe, expect, test } from 'vitest';
import { component } from '../../../src/model/component.ts';
import type { Incident } from '../../../src/model/incident.ts';
import type { SignatureId } from '../../../src/model/verdict.ts';
import { alertFromIncident, watchdogAlert } from '../../../src/notify/alert.ts';
import type { AlertContext } from '../../../src/notify/alert-context.ts';
import { alertsSchema } from '../../../src/notify/alert-options.ts';
import { alertContext } from '../../support/alert-context.ts';
import { incident } from '../../support/incident.ts';

const labelsOf = (part: Partial<Incident>, context: Partial<AlertContext> = {}) =>
  alertFromIncident(incident(part), alertContext(context)).labels;
const textsOf = (part: Partial<Incident>, context: Partial<AlertContext> = {}) =>
  alertFromIncident(incident(part), alertContext(context)).annotations;
const options = (raw: object): AlertContext['alerts'] => alertsSchema.parse(raw);
const target = (id: string) => component('target', id);

test('alerts of others about what is blamed or fails are in the description while it is open', () => {
  const fires = { effect: 'inform' as const, startsAt: Date.UTC(2026, 3, 16, 16, 50), holdsUntil: null };
  const inbound = () => [
    { ...fires, alertname: 'DiskFull', component: 'gate-sessions:*' },
    { ...fires, alertname: 'NodeNotReady', component: 'target:wiki.example.com' },
    { ...fires, alertname: 'Elsewhere', component: 'cdn:cdn' },
  ];
  const open = textsOf({}, { inbound })['description'] ?? '';
  expect(open).toContain(
    'Evidence from elsewhere: DiskFull fires about gate-sessions:* since 2026-04-16 16:50:00 UTC.',
  );
  expect(open).toContain('NodeNotReady fires about target:wiki.example.com');
  expect(open).not.toContain('Elsewhere');
  const over = textsOf({ state: 'resolved', resolvedAt: Date.UTC(2026, 3, 16, 18) }, { inbound });
  expect(over['description']).not.toContain('Evidence from elsewhere');
});

describe('labels', () => {
  const shared = { severity: 'critical', component: 'cdn', name: 'cdn' };
  test.each<[string, Partial<Incident>, Record<string, string>]>([
    ['a shared fault', { blame: component('cdn', 'cdn') }, { alertname: 'GatewatchSharedFault', ...shared }],
    [
      'an unmodelled shared fault',
      { id: 'i9', blame: null },
      { alertname: 'GatewatchSharedFault', severity: 'critical', component: 'unmodelled', name: 'i9' },
    ],
    [
      'a service',
      {
        kind: 'service',
        blame: target('a.example.com'),
        targets: ['a.example.com'],
        signature: 'app-error' as SignatureId,
      },
      { alertname: 'GatewatchServiceDown', severity: 'warning', target: 'a.example.com', fault: 'app-error' },
    ],
    [
      'a host with several targets',
      {
        kind: 'service',
        blame: component('host', 'a.example.com'),
        targets: ['a.example.com/x', 'a.example.com/y'],
        signature: null,
      },
      { alertname: 'GatewatchServiceDown', severity: 'warning', target: 'a.example.com', fault: 'unknown' },
    ],
    [
      'an exposed target',
      { kind: 'exposed', blame: null, targets: ['a.example.com'] },
      { alertname: 'GatewatchExposed', severity: 'critical', target: 'a.example.com' },
    ],
    [
      'targets exposed by something shared',
      { kind: 'exposed', blame: component('cdn', 'cdn'), targets: ['a', 'b', 'c'] },
      { alertname: 'GatewatchExposed', ...shared },
    ],
    [
      'a walled-off target',
      { kind: 'walled-off', blame: target('a.example.com/hook'), targets: ['a.example.com/hook'] },
      { alertname: 'GatewatchWalledOff', severity: 'warning', target: 'a.example.com/hook' },
    ],
    [
      'a certificate near its end',
      { kind: 'certificate', blame: component('certificate', '*.example.com@cdn'), targets: [] },
      { alertname: 'GatewatchCertificateExpiring', severity: 'warning', certificate: '*.example.com@cdn' },
    ],
    [
      'a session budget',
      { kind: 'budget', targets: [] },
      { alertname: 'GatewatchSessionBudget', severity: 'warning', gate: 'embedded' },
    ],
    [
      'the prober itself',
      { kind: 'prober', blame: null, reason: 'path-not-taken', targets: [] },
      { alertname: 'GatewatchProber', severity: 'warning', vantage: 'vps', reason: 'path-not-taken' },
    ],
  ])('of %s are exactly those of the table', (_, part, expected) => {
    expect(labelsOf(part)).toEqual(expected);
  });

  test('take the configured ones and those of the gate, path or target, but never in place of the identity', () => {
    const context = {
      alerts: options({ labels: { notify: 'page', component: 'mine' } }),
      componentLabels: (c: { id: string }) =>
        c.id === 'gate-sessions:embedded'
          ? { namespace: 'authentik', 'app.kubernetes.io/name': 'x', severity: 'low' }
          : {},
    };
    expect(labelsOf({}, context)).toEqual({
      alertname: 'GatewatchSharedFault',
      severity: 'critical',
      component: 'gate-sessions',
      name: 'embedded',
      notify: 'page',
      namespace: 'authentik',
      app_kubernetes_io_name: 'x',
    });
  });

  test('are set and removed by the rules that match, in order', () => {
    const rules = [
      { match: { alertname: 'GatewatchExposed' }, labels: { lane: 'security' } },
      { match: { component: 'gate-sessions' }, labels: { lane: 'login', notify: null, severity: 'page' } },
      { match: {}, labels: { all: 'yes' } },
    ];
    const alerts = options({ labels: { notify: 'page' }, rules });
    const labels = labelsOf({}, { alerts });
    expect(labels).toMatchObject({ lane: 'login', severity: 'page', all: 'yes' });
    expect(labels).not.toHaveProperty('notify');
    expect(labelsOf({ kind: 'exposed', blame: null, targets: ['a'] }, { alerts })).toMatchObject({
      lane: 'security',
      notify: 'page',
    });
  });

  test('that were frozen are taken as they are, whatever the blame is now', () => {
    const labels = labelsOf({ blame: component('cdn', 'cdn') });
    expect(labelsOf({ labels, blame: component('idp', 'auth.example.com') })).toBe(labels);
  });

  test('of the watchdog inherit nothing', () => {
    const context = alertContext({
      alerts: options({ labels: { notify: 'page' }, rules: [{ match: {}, labels: { a: 'b' } }] }),
    });
    expect(watchdogAlert(context, 0).labels).toEqual({
      alertname: 'GatewatchWatchdog',
      severity: 'none',
      vantage: 'vps',
    });
  });
});

describe('the summary', () => {
  const eight = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => `${name}.example.com`);
  const full: Partial<Incident> = { targets: eight, tried: 8 };
  const sentence =
    'authentik cannot create new sessions: strangers get an empty 400 on 8 of 8 services tried (34 behind it), through the CDN and at the origin';
  const lane = (visit: string, path: string, failing: number, tried = 8) => ({ visit, path, failing, tried });
  const lanes = [lane('fresh', 'cdn', 8), lane('fresh', 'origin', 8)];

  test.each<[string, Partial<Incident>, string]>([
    [
      'names who still gets through by a return lane',
      {},
      `${sentence}; visitors with a session cookie still get through`,
    ],
    [
      'claims signed-in users by a session lane alone',
      { lanes: [...lanes, lane('session', 'cdn', 0)] },
      `${sentence}; signed-in users still get in`,
    ],
    [
      'speaks of strangers although logins fail too: a login begins as one',
      { lanes: [...lanes, lane('login', 'cdn', 2), lane('session', 'cdn', 0)] },
      `${sentence}; signed-in users still get in`,
    ],
    [
      'says that nobody can log in, and who is in',
      {
        blame: component('idp', 'auth.example.com'),
        lanes: [lane('login', 'cdn', 2, 2), lane('session', 'cdn', 0), lane('fresh', 'cdn', 0)],
      },
      'the identity provider auth.example.com does not work: visitors get an empty 400 on 8 of 8 services tried (34 behind it), through the CDN; signed-in users still get in',
    ],
    [
      'says the reverse: users are kept out, and strangers are not',
      {
        blame: component('node', 'n1'),
        behind: 8,
        lanes: [lane('session', 'origin', 8), lane('fresh', 'origin', 0), lane('login', 'origin', 0, 1)],
      },
      'node n1 is at fault: signed-in users get an empty 400 on 8 of 8 services tried, at the origin; strangers are still sent to the login; logins work',
    ],
    ['claims nobody without a lane that shows it', { lanes }, sentence],
    [
      'claims nobody by a lane that was not tried',
      { lanes: [...lanes, lane('return', 'cdn', 0, 0)] },
      sentence,
    ],
    [
      'speaks of visitors when not only strangers fail, and of the path that works',
      {
        blame: component('cdn', 'cdn'),
        lanes: [lane('fresh', 'cdn', 8), lane('return', 'cdn', 3), lane('return', 'origin', 0)],
      },
      'the CDN is at fault: visitors get an empty 400 on 8 of 8 services tried (34 behind it), through the CDN; no failure at the origin',
    ],
    [
      'does not speak of a path on which the visits that fail were not tried',
      { lanes: [lane('fresh', 'cdn', 8), lane('fresh', 'origin', 0, 0), lane('return', 'origin', 0)] },
      'authentik cannot create new sessions: strangers get an empty 400 on 8 of 8 services tried (34 behind it), through the CDN; visitors with a session cookie still get through',
    ],
    [
      'says what unexplained failures share',
      { blame: null, inCommon: ['node=n1'], behind: 8, signature: null, lanes: [] },
      '8 services fail together and no known component explains it (they share node=n1): 8 of 8 services tried fail',
    ],
    [
      'is short for one service',
      {
        kind: 'service',
        blame: target('a.example.com'),
        targets: ['a.example.com'],
        lanes: [lane('fresh', 'cdn', 1, 1)],
      },
      'a.example.com is down: strangers get an empty 400, through the CDN',
    ],
    ['tells a changed blame', { firstBlame: component('cdn', 'cdn'), lanes }, `Now blamed: ${sentence}`],
    [
      'tells a blame that moved away from the frozen labels',
      { labels: { component: 'unmodelled', name: 'i1' }, lanes },
      `Now blamed: ${sentence}`,
    ],
    [
      'is in the past tense with its duration when it is over',
      { state: 'resolved', startedAt: 0, resolvedAt: 44 * 3_600_000, lanes },
      'Over after 1 d 20 h: authentik could not create new sessions; 8 of 8 services tried (34 behind it) were affected, through the CDN and at the origin',
    ],
    [
      'says who took it over',
      {
        kind: 'service',
        blame: null,
        targets: ['a.example.com'],
        state: 'resolved',
        startedAt: 0,
        resolvedAt: 60_000,
        supersededBy: 'i7',
        lanes: [],
      },
      'Taken over by incident i7 after 1 min: a.example.com was down',
    ],
    [
      'says why it ended without recovery',
      {
        kind: 'service',
        blame: null,
        targets: ['a.example.com'],
        state: 'resolved',
        startedAt: 0,
        resolvedAt: 60_000,
        supersededBy: 'target removed',
        lanes: [],
      },
      'Ended (target removed) after 1 min: a.example.com was down',
    ],
    [
      'claims no failing service while canaries alone have failed',
      {
        blame: component('idp', 'auth.example.com'),
        targets: [],
        signature: null,
        lanes: [lane('fresh', 'cdn', 0), lane('return', 'cdn', 0)],
      },
      'the identity provider auth.example.com does not work: 34 services behind it; visitors with a session cookie still get through',
    ],
    [
      'does not say twice what an exposed page shows',
      {
        kind: 'exposed',
        blame: null,
        targets: ['a.example.com'],
        lanes: [lane('return', 'origin', 1, 1), lane('return', 'cdn', 1, 1)],
      },
      'a.example.com shows the app to strangers without a login, through the CDN and at the origin',
    ],
    [
      'of a ban says that nobody is blamed',
      {
        kind: 'prober',
        reason: 'blocked',
        blame: component('vantage', 'vps'),
        targets: [],
        lanes: [lane('return', 'cdn', 8, 8)],
      },
      'gatewatch at vps is refused over path cdn by a firewall rule or rate limit; no service is blamed',
    ],
    [
      'of a prober fault is our own words',
      { kind: 'prober', detail: 'path cdn does not pass the CDN' },
      'path cdn does not pass the CDN',
    ],
  ])('%s', (_, part, expected) => {
    expect(textsOf({ ...full, ...part })['summary']).toBe(expected);
  });
});

describe('the other annotations', () => {
  test('acquit with evidence and admit what nothing separates', () => {
    expect(textsOf({})['acquitted']).toBe(
      'cdn:cdn: the same failure straight to the origin (2 of 2)\nvantage:vps: not tested (no controls are configured)',
    );
  });

  test('fill the first check with harmless values only', () => {
    const evil = 'a.example.com/$(reboot)';
    const place = { host: '$(reboot)', zone: 'x', gate: null, outpost: null };
    expect(textsOf({})['first_check']).toBe(
      'df -h /dev/shm on embedded; curl -sI https://grafana.example.com/',
    );
    expect(textsOf({ targets: [evil] }, { target: () => place })['first_check']).toBe(
      'df -h /dev/shm on embedded; curl -sI https://<host>/',
    );
  });

  test('prefer the configured first check of the blamed gate', () => {
    const firstCheck = (c: { id: string }) =>
      c.id === 'gate-sessions:embedded' ? 'kubectl logs {gate} -o jsonpath={.items}' : null;
    expect(textsOf({}, { firstCheck })['first_check']).toBe('kubectl logs authentik -o jsonpath={.items}');
  });

  test('say where to start when the daemon itself cannot work', () => {
    const uplink = { kind: 'prober', reason: 'uplink', signature: null, targets: [] } as const;
    expect(textsOf(uplink)['first_check']).toMatch(/^on the machine of gatewatch: ip route;/);
  });

  test('link the runbook and the incident', () => {
    const alert = alertFromIncident(
      incident(),
      alertContext({
        webUrl: 'https://gw.example.com',
        alerts: options({ runbooks: 'https://example.com/runbooks/' }),
      }),
    );
    expect(alert.annotations['runbook_url']).toBe('https://example.com/runbooks/GatewatchSharedFault');
    expect(alert.annotations['dashboard_url']).toBe('https://gw.example.com/incidents/i1');
    expect(alert.generatorUrl).toBe('https://gw.example.com/incidents/i1');
  });

  test('name at most 100 targets and stay within the sizes receivers take', () => {
    const targets = Array.from({ length: 3000 }, (_, index) => `${'ä'.repeat(60)}${index}.example.com`);
    const texts = textsOf({
      targets,
      acquitted: targets.map((name) => ({
        component: target(name),
        tested: true,
        evidence: '€'.repeat(200),
      })),
    });
    expect(texts['targets']).toMatch(/^ä+0\.example\.com, .*…$| and 2900 more$/);
    const sizes = Object.values(texts).map((text) => Buffer.byteLength(text));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(8192);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(32 * 1024);
    expect(textsOf({ targets: targets.map((_, index) => `t${index}`) })['targets']).toMatch(
      /t99 and 2900 more$/,
    );
  });

  test('describe since when, which lanes, and how sure', () => {
    const text = textsOf({
      startedAt: Date.UTC(2026, 3, 16, 17),
      ambiguous: [component('gate', 'embedded')],
    })['description'];
    expect(text).toBe(
      [
        'The gate cannot store a session for a new visitor. (gate-no-session)',
        'Since 2026-04-16 17:00:00 UTC.',
        'fresh over cdn: 2 of 2 fail',
        'fresh over origin: 2 of 2 fail',
        'return over cdn: 0 of 12 fail',
        'Visitors with a session cookie still get through.',
        'Probability of the blame 98 %. Nothing tells it apart from the gate authentik.',
      ].join('\n'),
    );
  });
});
