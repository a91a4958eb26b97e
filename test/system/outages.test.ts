// Every row of the table in DESIGN 1 that needs no login: the real daemon watches a site of real proxies, one thing
// breaks, and exactly one notification comes that names it, however Alertmanager groups; later exactly one resolve.
// The scenarios run side by side, each with a site and a daemon of its own, and share one Alertmanager.

import { afterAll, beforeAll, describe, it, vi } from 'vitest';
import { type Alertmanager, startAlertmanager } from '../support/alertmanager.ts';
import { type NotificationLedger, startNotificationLedger } from '../support/notification-ledger.ts';
import { type ExpectedAlert, type Outage, pause, playOutage } from '../support/outage.ts';
import { CARVED, LOGIN_HOST, type OutageSite, PROTECTED_HOSTS } from '../support/outage-site.ts';

vi.setConfig({ maxConcurrency: 6, testTimeout: 480_000 });

let ledger: NotificationLedger;
let alertmanager: Alertmanager;
beforeAll(async () => {
  ledger = await startNotificationLedger();
  alertmanager = await startAlertmanager({ webhookUrl: ledger.url });
});
afterAll(async () => {
  await alertmanager?.[Symbol.asyncDispose]();
  await ledger?.[Symbol.asyncDispose]();
});

const GATE = 'gate:embedded';
const GATE_SESSIONS = 'gate-sessions:embedded';
const CDN = 'cdn:cdn';
const ORIGIN = 'origin:origin';
const DNS = 'dns:haus.test';
const VICTIM = PROTECTED_HOSTS[3]!;

const vantage = (name: string): string => `vantage:vantage-${name}`;

function sessionStoreFull(origin: 'caddy' | 'nginx'): Outage {
  return {
    name: `store-full-${origin}`,
    origin,
    begin: (site) => site.levers.sessionStoreFull(true),
    heal: (site) => site.levers.sessionStoreFull(false),
    expected: () => ({
      alertname: 'GatewatchSharedFault',
      severity: 'critical',
      labels: { component: 'gate-sessions', name: 'embedded', namespace: 'authentik' },
      acquitted: [CDN, ORIGIN, GATE, vantage(`store-full-${origin}`)],
      summary:
        /^authentik cannot create new sessions: strangers get an empty 400 on (\d) of \1 services tried( \(8 behind it\))?, through the CDN and at the origin; visitors with a session cookie still get through$/,
      past: /^authentik could not create new sessions; \d of \d services tried.* were affected, through the CDN and at the origin$/,
    }),
  };
}

function banned(how: 'firewall' | 'rate-limit'): Outage {
  return {
    name: `banned-${how}`,
    begin: (site) => site.levers.banned(how, true),
    heal: (site) => site.levers.banned(how, false),
    expected: () => ({
      alertname: 'GatewatchProber',
      severity: 'warning',
      labels: { vantage: `vantage-banned-${how}`, reason: 'blocked', name: `vantage-banned-${how}` },
      acquitted: [ORIGIN, GATE],
      summary:
        /^gatewatch at vantage-banned-\S+ is refused over path cdn by a firewall rule or rate limit; no service is blamed$/,
      past: /^gatewatch at vantage-banned-\S+ was refused over path cdn/,
    }),
  };
}

/** One target fails for itself, over the given paths. */
function oneDown(
  site: OutageSite,
  { fault, phrase, where }: { fault: string; phrase: string; where: string },
): ExpectedAlert {
  const target = `${VICTIM}:${site.port}`;
  return {
    alertname: 'GatewatchServiceDown',
    severity: 'warning',
    labels: { target, fault },
    acquitted: [CDN, ORIGIN, GATE],
    summary: new RegExp(`^${target} is down: visitors ${phrase}, ${where}(; no failure at the origin)?$`),
    past: new RegExp(`^${target} was down, ${where}$`),
  };
}

const BOTH_PATHS = 'through the CDN and at the origin';

const OUTAGES: readonly Outage[] = [
  {
    name: 'origin-flapping',
    async begin({ levers }) {
      // Refused, then silent, with moments of health between.
      await levers.origin('closed');
      await pause(25_000);
      await levers.origin('open');
      await pause(8_000);
      await levers.origin('silent');
      await pause(25_000);
      await levers.origin('open');
      await pause(8_000);
      await levers.origin('closed');
    },
    heal: (site) => site.levers.origin('open'),
    expected: () => ({
      alertname: 'GatewatchSharedFault',
      severity: 'critical',
      labels: { component: 'origin', name: 'origin' },
      acquitted: [CDN, DNS, vantage('origin-flapping')],
      summary:
        /^the origin is at fault: visitors .+ on (\d+) of \1 services tried.*, through the CDN and at the origin$/,
      past: /^the origin was at fault; 10 of 10 services tried were affected, through the CDN and at the origin$/,
    }),
  },
  sessionStoreFull('caddy'),
  sessionStoreFull('nginx'),
  {
    name: 'cdn-dead',
    begin: (site) => site.levers.cdnDead(true),
    heal: (site) => site.levers.cdnDead(false),
    expected: () => ({
      alertname: 'GatewatchSharedFault',
      severity: 'critical',
      labels: { component: 'cdn', name: 'cdn' },
      acquitted: [ORIGIN, GATE, GATE_SESSIONS, DNS, vantage('cdn-dead')],
      summary:
        /^the CDN is at fault: visitors get an error page of the CDN, which cannot reach the origin on (\d+) of \1 services tried.*, through the CDN; no failure at the origin$/,
      past: /^the CDN was at fault; 10 of 10 services tried were affected, through the CDN$/,
    }),
  },
  {
    name: 'idp-down',
    begin: (site) => site.levers.identityProviderDown(true),
    heal: (site) => site.levers.identityProviderDown(false),
    expected: (site) => ({
      alertname: 'GatewatchSharedFault',
      severity: 'critical',
      labels: { component: 'idp', name: `${LOGIN_HOST}:${site.port}`, namespace: 'authentik' },
      acquitted: [CDN, ORIGIN, GATE, GATE_SESSIONS],
      summary:
        /^the identity provider auth\.haus\.test:\d+ does not work: visitors cannot log in \(8 services behind it\); visitors with a session cookie still get through$/,
      past: /^the identity provider auth\.haus\.test:\d+ did not work; 8 services behind it$/,
    }),
  },
  {
    name: 'login-page-blank',
    async begin(site) {
      site.levers.login({ assets: 'throttled' });
    },
    async heal(site) {
      site.levers.login({ assets: 'served' });
    },
    expected: (site) => ({
      alertname: 'GatewatchSharedFault',
      severity: 'critical',
      labels: { component: 'idp', name: `${LOGIN_HOST}:${site.port}`, namespace: 'authentik' },
      acquitted: [CDN, ORIGIN, GATE, GATE_SESSIONS],
      summary:
        /^the identity provider auth\.haus\.test:\d+ does not work: visitors get a blank login page \(8 services behind it\); visitors with a session cookie still get through$/,
      past: /^the identity provider auth\.haus\.test:\d+ did not work; 8 services behind it$/,
    }),
  },
  {
    name: 'carve-out-lost',
    begin: (site) => site.levers.carveOutLost(true),
    heal: (site) => site.levers.carveOutLost(false),
    expected: (site) => {
      const target = `${CARVED.host}:${site.port}${CARVED.pathname}`;
      return {
        alertname: 'GatewatchWalledOff',
        severity: 'warning',
        labels: { target },
        acquitted: [CDN, ORIGIN, `host:${CARVED.host}`],
        summary: new RegExp(`^${target} asks for a login where it must be public, ${BOTH_PATHS}$`),
        past: new RegExp(`^${target} asked for a login where it must be public, ${BOTH_PATHS}$`),
      };
    },
  },
  {
    name: 'middleware-lost',
    begin: (site) => site.levers.middlewareLost(VICTIM, true),
    heal: (site) => site.levers.middlewareLost(VICTIM, false),
    expected: (site) => {
      const target = `${VICTIM}:${site.port}`;
      return {
        alertname: 'GatewatchExposed',
        severity: 'critical',
        labels: { target },
        acquitted: [CDN, ORIGIN, GATE],
        summary: new RegExp(`^${target} shows the app to strangers without a login, ${BOTH_PATHS}$`),
        past: new RegExp(`^${target} showed the app to strangers without a login, ${BOTH_PATHS}$`),
      };
    },
  },
  {
    name: 'catch-all',
    begin: (site) => site.levers.routeLost(VICTIM, true),
    heal: (site) => site.levers.routeLost(VICTIM, false),
    expected: (site) =>
      oneDown(site, {
        fault: 'proxy-no-route',
        phrase: 'get the catch-all page of the proxy',
        where: BOTH_PATHS,
      }),
  },
  {
    name: 'challenge-one-host',
    begin: (site) => site.levers.challenge(VICTIM, true),
    heal: (site) => site.levers.challenge(VICTIM, false),
    expected: (site) =>
      oneDown(site, {
        fault: 'bot-challenge',
        phrase: 'get a challenge page instead of the answer',
        where: 'through the CDN',
      }),
  },
  {
    name: 'challenge-all-hosts',
    begin: (site) => site.levers.challenge('all', true),
    heal: (site) => site.levers.challenge('all', false),
    expected: () => ({
      alertname: 'GatewatchSharedFault',
      severity: 'critical',
      labels: { component: 'cdn', name: 'cdn' },
      acquitted: [ORIGIN, GATE, GATE_SESSIONS],
      summary:
        /^the CDN is at fault: visitors get a challenge page instead of the answer on (\d+) of \1 services tried.*, through the CDN; no failure at the origin$/,
      past: /^the CDN was at fault; 10 of 10 services tried were affected, through the CDN$/,
    }),
  },
  {
    name: 'split-horizon',
    begin: (site) => site.levers.splitHorizon(true),
    heal: (site) => site.levers.splitHorizon(false),
    expected: () => ({
      alertname: 'GatewatchProber',
      severity: 'warning',
      labels: { vantage: 'vantage-split-horizon', reason: 'path-not-taken', name: 'cdn' },
      acquitted: [ORIGIN, GATE],
      summary:
        /^from vantage-split-horizon path cdn does not lead where it must, so its results do not count; no service is blamed$/,
      past: /^from vantage-split-horizon path cdn did not lead where it must/,
    }),
  },
  banned('firewall'),
  banned('rate-limit'),
  {
    name: 'uplink-lost',
    begin: (site) => site.levers.uplinkGone(true),
    heal: (site) => site.levers.uplinkGone(false),
    expected: () => ({
      alertname: 'GatewatchProber',
      severity: 'warning',
      labels: { vantage: 'vantage-uplink-lost', reason: 'uplink', name: 'vantage-uplink-lost' },
      acquitted: [],
      summary: /^the network of vantage-uplink-lost is down: the controls fail too; no service is blamed$/,
      past: /^the network of vantage-uplink-lost was down/,
    }),
  },
];

describe.concurrent('one outage, one notification', () => {
  it.each(OUTAGES)('$name', (outage) => playOutage(outage, { alertmanager, ledger }));
});
