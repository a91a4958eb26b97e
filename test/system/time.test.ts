// The real daemon and time that goes wrong: a wall clock that is set to and fro during an outage, and a process that
// stands still for a minute. One notification for the outage, one for its end, none for the time; nothing is blamed.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Alertmanager, startAlertmanager } from '../support/alertmanager.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { fakeTime } from '../support/fake-time.ts';
import {
  type Notification,
  type NotificationLedger,
  startNotificationLedger,
} from '../support/notification-ledger.ts';
import { pause, story } from '../support/outage.ts';
import { startOutageSite } from '../support/outage-site.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait.ts';

vi.setConfig({ maxConcurrency: 2, testTimeout: 480_000 });

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
const STEPPED = /the clock was stepped/g;

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

interface ResultView {
  readonly id: number;
  readonly verdict: string;
  readonly signature: string | null;
  readonly check: string;
}
const results = async (daemon: Daemon, query = ''): Promise<ResultView[]> =>
  (await daemon.api<{ results: ResultView[] }>(`results?limit=1000${query}`)).results;
/** The site is known to be well: checks of all sorts are up, and none is anything else. */
const isWell = async (daemon: Daemon): Promise<boolean> => {
  const checks = await daemon.checks();
  const known = checks.filter(({ verdict }) => verdict !== null);
  const visits = new Set(known.map(({ visit, path }) => `${visit} ${path}`));
  const all = ['fresh cdn', 'fresh origin', 'return cdn', 'return origin'].every((lane) => visits.has(lane));
  return all && known.length > 0.7 * checks.length && known.every(({ verdict }) => verdict === 'up');
};
const well = (daemon: Daemon): Promise<unknown> =>
  waitFor('the site to be well', () => isWell(daemon), { limitMs: 120_000, everyMs: 500 });
/** Incidents about anybody but ourselves. */
const blamed = async (daemon: Daemon): Promise<string[]> =>
  (await daemon.incidents()).filter(({ kind }) => kind !== 'prober').map(({ state }) => state);
const isAlive = async (daemon: Daemon): Promise<boolean> => (await fetch(`${daemon.url}/livez`)).ok;

/** Notifications about anybody but ourselves. */
const pages = (name: string): readonly Notification[] =>
  ledger
    .of(name, 'by-all-labels')
    .filter(({ alerts }) => alerts[0]?.labels['alertname'] !== 'GatewatchProber');

describe.concurrent('time', () => {
  it('that jumps by an hour and a year during an outage raises nothing, and loses no resolve', async () => {
    const name = 'clock';
    await using folder = await tempFolder('clock');
    const time = await fakeTime(folder.path);
    await using site = await startOutageSite({ origin: 'caddy' });
    await using daemon = await startDaemon({
      site,
      name,
      alertmanagerUrl: alertmanager.url,
      environment: time.environment,
    });
    const step = async (ms: number): Promise<void> => {
      const before = daemon.output().match(STEPPED)?.length ?? 0;
      await time.set(ms);
      await waitFor('the step to be seen', () => (daemon.output().match(STEPPED)?.length ?? 0) > before);
    };
    try {
      await well(daemon);
      for (const ms of [YEAR, -YEAR]) {
        await step(ms);
        await pause(6_000);
        expect(await isAlive(daemon)).toBe(true);
      }
      await step(0);
      await well(daemon);
      expect(await blamed(daemon)).toEqual([]);
      // Every certificate was past its end, or not yet valid, for several rounds: by our clock alone.
      const seen = await results(daemon);
      expect(seen.filter(({ signature }) => signature === 'tls-expired')).toEqual([]);
      expect(seen.some(({ signature }) => signature === 'prober-fault')).toBe(true);

      await site.levers.sessionStoreFull(true);
      await waitFor('the page', () => pages(name).length === 1, { limitMs: 120_000, everyMs: 250 });
      await step(HOUR);
      await pause(3_000);
      await step(-HOUR);
      await site.levers.sessionStoreFull(false);
      await waitFor('the end', () => pages(name).length === 2, { limitMs: 210_000, everyMs: 250 });
      const told = pages(name);
      expect(told.map(({ status }) => status)).toEqual(['firing', 'resolved']);
      expect(told[1]?.alerts[0]?.labels).toEqual(told[0]?.alerts[0]?.labels);
      expect(told[1]?.alerts[0]?.startsAt).toBe(told[0]?.alerts[0]?.startsAt);
      const ids = (await results(daemon)).map(({ id }) => id);
      expect(ids.length).toBeGreaterThan(100);
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => b - a));
      expect(await blamed(daemon)).toEqual(['resolved']);
    } catch (error) {
      throw new Error(`${error}\n${await story(name, { alertmanager, ledger }, daemon)}`, { cause: error });
    }
  });

  it('in which the whole process stands still, for seconds and for a minute, blames nobody', async () => {
    const name = 'frozen';
    await using site = await startOutageSite({ origin: 'caddy' });
    await using daemon = await startDaemon({ site, name, alertmanagerUrl: alertmanager.url });
    try {
      await well(daemon);
      const before = Math.max(...(await results(daemon)).map(({ id }) => id));
      for (const ms of [3_000, 60_000]) {
        process.kill(daemon.pid(), 'SIGSTOP');
        await pause(ms);
        process.kill(daemon.pid(), 'SIGCONT');
        await waitFor('it to answer', () => isAlive(daemon), { limitMs: 20_000 });
        await pause(4_000);
      }
      await well(daemon);
      const down = (await results(daemon, '&verdict=down')).filter(({ id }) => id > before);
      expect(down.map(({ check, signature }) => [check, signature])).toEqual([]);
      expect(await blamed(daemon)).toEqual([]);
      expect(pages(name)).toEqual([]);
    } catch (error) {
      throw new Error(`${error}\n${await story(name, { alertmanager, ledger }, daemon)}`, { cause: error });
    }
  });
});
