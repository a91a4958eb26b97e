// What only users who are signed in can show: the real daemon logs in through real proxies, keeps its sessions, and one
// thing breaks. Exactly one alert comes, about the right component, and says who still gets in and who does not.
// The scenes run side by side, each with a site and a daemon of its own, and share one Alertmanager.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Alertmanager, GROUPINGS, startAlertmanager } from '../support/alertmanager.ts';
import { type CheckView, type Daemon, startDaemon } from '../support/daemon.ts';
import { type NotificationLedger, startNotificationLedger } from '../support/notification-ledger.ts';
import { type ExpectedAlert, expectAlert, expectOnly, notified, pause, story } from '../support/outage.ts';
import { LOGIN_HOST, type OutageSite, PROTECTED_HOSTS, startOutageSite } from '../support/outage-site.ts';
import { waitFor } from '../support/wait.ts';

vi.setConfig({ maxConcurrency: 2, testTimeout: 480_000 });

/** How long nothing more may come after the alert. */
const SILENCE_MS = 10_000;

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

interface Scene {
  readonly name: string;
  /** Interval of the visits with a session; five seconds unless given. */
  readonly every?: string;
  begin(site: OutageSite): void | Promise<void>;
  expected(site: OutageSite): Omit<ExpectedAlert, 'past'>;
}

/** Where the account may go; each host costs a session at the gate. */
const ENTERED = PROTECTED_HOSTS.slice(0, 5);
const BROKEN = PROTECTED_HOSTS[3]!;

const SCENES: readonly Scene[] = [
  {
    name: 'store-full',
    begin: (site) => site.levers.sessionStoreFull(true),
    expected: () => ({
      alertname: 'GatewatchSharedFault',
      severity: 'critical',
      labels: { component: 'gate-sessions', name: 'embedded', namespace: 'authentik' },
      acquitted: ['cdn:cdn', 'origin:origin', 'gate:embedded'],
      summary:
        /^authentik cannot create new sessions: strangers get an empty 400 on .*; signed-in users still get in$/,
    }),
  },
  {
    name: 'sessions-lost',
    // A session that is lost is soon replaced: they must not all be seen and mended within a few seconds.
    every: '30s',
    begin: (site) => site.levers.sessionsLost(),
    expected: () => ({
      alertname: 'GatewatchSharedFault',
      severity: 'critical',
      labels: { component: 'gate', name: 'embedded', namespace: 'authentik' },
      acquitted: ['cdn:cdn', 'origin:origin'],
      summary:
        /^the gate authentik is at fault: visitors lose the session they had on (\d) of \d services tried.*; strangers are still sent to the login$/,
    }),
  },
  {
    name: 'app-broken',
    begin: (site) => site.levers.appBroken(BROKEN, true),
    expected: (site) => ({
      alertname: 'GatewatchServiceDown',
      severity: 'warning',
      // Through the CDN nobody can tell whose 502 it is.
      labels: {
        target: `${BROKEN}:${site.port}`,
        fault: expect.stringMatching(/^(proxy-no-backend|cdn-origin-unreachable)$/),
      },
      acquitted: ['cdn:cdn', 'origin:origin', 'gate:embedded'],
      summary: /^\S+ is down: signed-in users .*; strangers are still sent to the login$/,
    }),
  },
  {
    name: 'idp-down',
    begin: (site) => site.levers.identityProviderDown(true),
    expected: (site) => ({
      alertname: 'GatewatchSharedFault',
      severity: 'critical',
      labels: { component: 'idp', name: `${LOGIN_HOST}:${site.port}`, namespace: 'authentik' },
      acquitted: ['cdn:cdn', 'origin:origin', 'gate:embedded', 'gate-sessions:embedded'],
      summary:
        /^the identity provider auth\.haus\.test:\d+ does not work: visitors cannot log in .*; signed-in users still get in$/,
    }),
  },
];

describe.concurrent('one fault seen by users, one alert', () => {
  it.each(SCENES)('$name', async (scene) => {
    const { name } = scene;
    await using site = await startOutageSite({ origin: 'caddy' });
    await using daemon = await startDaemon({
      site,
      name,
      alertmanagerUrl: alertmanager.url,
      sections: {
        accounts: [
          {
            name: 'monitor',
            username: site.user.username,
            password: site.user.password,
            totp: site.user.totp,
            hosts: ENTERED,
          },
        ],
        checks: {
          return: { every: scene.every ?? '5s' },
          session: { every: scene.every ?? '5s' },
          login: { targets: [site.protectedUrls[0]] },
        },
      },
    });
    try {
      await play(scene, site, daemon);
    } catch (error) {
      const text = await story(name, { alertmanager, ledger }, daemon);
      throw new Error(`${error instanceof Error ? error.message : error}\n${text}`, { cause: error });
    }
  });
});

async function play(scene: Scene, site: OutageSite, daemon: Daemon): Promise<void> {
  await waitFor('everybody to get in', async () => isSignedIn(await daemon.checks()), {
    limitMs: 120_000,
    everyMs: 500,
  });
  expect(await daemon.incidents(), 'incidents before the fault').toEqual([]);
  await scene.begin(site);
  await notified(ledger, scene.name, 'firing', 120_000);
  await pause(SILENCE_MS);
  for (const grouping of GROUPINGS) {
    const [alert] = expectOnly(ledger.of(scene.name, grouping), ['firing'], grouping);
    expectAlert(alert!, scene.expected(site), scene.name);
  }
  for (const secret of [site.user.password, site.user.totp ?? '']) {
    expect(daemon.output().includes(secret), 'a secret in the output').toBe(false);
  }
}

/** Every visit is up; of the logins, which must wait for one another, one. */
function isSignedIn(checks: readonly CheckView[]): boolean {
  const logins = checks.filter(({ visit }) => visit === 'login');
  const missing = checks.filter(({ visit, verdict }) => visit !== 'login' && verdict !== 'up');
  if (missing.length === 0 && logins.some(({ verdict }) => verdict === 'up')) return true;
  const shown = [...missing.slice(0, 5), ...logins];
  throw new Error(
    `${missing.length} of ${checks.length} are not up: ${shown.map((one) => `${one.id} ${one.verdict} ${one.reason} ${one.idle}`).join('; ')}`,
  );
}
