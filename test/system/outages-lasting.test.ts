// What must not ring twice, or at all: an incident that outlives the daemon, an Alertmanager that is away, and a few
// minutes of noise. Side by side, each with a site and a daemon of its own.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Alertmanager, GROUPINGS, startAlertmanager } from '../support/alertmanager.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { loopbackPort } from '../support/loopback-port.ts';
import { type NotificationLedger, startNotificationLedger } from '../support/notification-ledger.ts';
import {
  type Desk,
  expectAlert,
  expectOnly,
  notified,
  type Outage,
  pause,
  playOutage,
  story,
} from '../support/outage.ts';
import { startOutageSite } from '../support/outage-site.ts';
import { type Relay, startRelay } from '../support/relay.ts';

vi.setConfig({ maxConcurrency: 7, testTimeout: 480_000 });

/** Failures that come one at a time: every few seconds one connection, question or answer is lost. */
const NOISE_MS = 180_000;
const NOISE_EVERY_MS = 9_000;
/** How long an Alertmanager stays away after the fault. */
const AWAY_MS = 60_000;

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

const CDN_DEAD = {
  alertname: 'GatewatchSharedFault',
  severity: 'critical',
  labels: { component: 'cdn', name: 'cdn' },
  acquitted: ['origin:origin', 'gate:embedded', 'gate-sessions:embedded'],
  summary: /^the CDN is at fault: visitors get an error page of the CDN, which cannot reach the origin on /,
} as const;

/** A full session store, and the daemon ended and started again in the middle of it. */
function restarted(signal: 'SIGTERM' | 'SIGKILL'): Outage {
  return {
    name: `restart-${signal.toLowerCase()}`,
    begin: (site) => site.levers.sessionStoreFull(true),
    heal: (site) => site.levers.sessionStoreFull(false),
    expected: () => ({
      alertname: 'GatewatchSharedFault',
      severity: 'critical',
      labels: { component: 'gate-sessions', name: 'embedded', namespace: 'authentik' },
      acquitted: ['cdn:cdn', 'origin:origin', 'gate:embedded'],
      summary: /^authentik cannot create new sessions: strangers get an empty 400 on /,
      past: /^authentik could not create new sessions; /,
    }),
    async meanwhile(daemon, _site, desk) {
      const name = this.name;
      const before = await daemon.incidents();
      const [alert] = await desk.alertmanager.alerts(name);
      const code = await daemon.end(signal);
      expect(code).toBe(signal === 'SIGTERM' ? 0 : null);
      await daemon.start();
      expect(await identities(daemon)).toEqual(before.map(({ id, startedAt }) => ({ id, startedAt })));
      // Long enough for a resend, and for a confirmation of the same fault by the new process.
      await pause(65_000);
      expect(await identities(daemon)).toEqual(before.map(({ id, startedAt }) => ({ id, startedAt })));
      const after = await desk.alertmanager.alerts(name);
      expect(after.map(({ labels, startsAt }) => ({ labels, startsAt }))).toEqual([
        { labels: alert?.labels, startsAt: alert?.startsAt },
      ]);
    },
  };
}

async function identities(daemon: Daemon): Promise<{ id: string; startedAt: string }[]> {
  return (await daemon.incidents()).map(({ id, startedAt }) => ({ id, startedAt }));
}

describe.concurrent('one incident, one notification', () => {
  it.each([restarted('SIGKILL'), restarted('SIGTERM')])('$name', (outage) =>
    playOutage(outage, { alertmanager, ledger }),
  );

  it('delivers to an Alertmanager that was away when the fault began, once it is back', async () => {
    const name = 'alertmanager-away';
    await using away = await relayTo(alertmanager.port);
    await using site = await startOutageSite({ origin: 'caddy' });
    const alertmanagerUrl = `http://127.0.0.1:${away.port}`;
    await using daemon = await startDaemon({ site, name, alertmanagerUrl });
    await told(name, { alertmanager, ledger }, daemon, async () => {
      await daemon.healthy();
      await away.set('closed');
      await site.levers.cdnDead(true);
      await pause(AWAY_MS);
      const [incident] = await daemon.incidents();
      expect(incident?.state).toBe('open');
      expect(ledger.story(name)).toBe('');
      await away.set('open');
      await notified(ledger, name, 'firing', 120_000);
      const [alert] = await alertmanager.alerts(name);
      expect(
        Math.abs(Date.parse(alert?.startsAt ?? '') - Date.parse(incident?.startedAt ?? '')),
      ).toBeLessThan(5_000);
      await site.levers.cdnDead(false);
      await notified(ledger, name, 'resolved', 210_000);
      await pause(12_000);
      for (const grouping of GROUPINGS) {
        const [firing] = expectOnly(ledger.of(name, grouping), ['firing', 'resolved'], grouping);
        expectAlert(firing!, CDN_DEAD, name);
      }
      expect((await daemon.incidents()).map(({ state }) => state)).toEqual(['resolved']);
    });
  });

  it('stays silent through minutes of single random failures', async () => {
    const name = 'noise';
    await using site = await startOutageSite({ origin: 'caddy' });
    await using daemon = await startDaemon({ site, name, alertmanagerUrl: alertmanager.url });
    await told(name, { alertmanager, ledger }, daemon, async () => {
      await daemon.healthy();
      const places = ['edge', 'origin', 'names', 'application'] as const;
      const random = seeded(20260418);
      const end = performance.now() + NOISE_MS;
      while (performance.now() < end) {
        site.levers.glitch(places[Math.floor(random() * places.length)]!);
        await pause(NOISE_EVERY_MS * (0.5 + random()));
      }
      expect(await failures(daemon), 'failed probes: the noise was there').toBeGreaterThan(5);
      expect(await daemon.incidents()).toEqual([]);
      expect(await alertmanager.alerts(name)).toEqual([]);
      expect(ledger.story(name)).toBe('');
    });
  });
});

function relayTo(port: number): Promise<Relay> {
  return loopbackPort().then((own) => startRelay({ address: '127.0.0.1', port: own, to: port }));
}

/** Runs the steps; a failure carries the whole story. */
async function told(name: string, desk: Desk, daemon: Daemon, steps: () => Promise<void>): Promise<void> {
  try {
    await steps();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${message}\n${await story(name, desk, daemon)}`, { cause: error });
  }
}

/** Sum of `gatewatch_probe_failures_total`. */
async function failures(daemon: Daemon): Promise<number> {
  const lines = (await daemon.metrics()).split('\n');
  return lines
    .filter((line) => line.startsWith('gatewatch_probe_failures_total{'))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** Numbers from 0 to 1, the same at every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
