// One outage from end to end: a healthy laboratory site watched by the real daemon, a fault, the notification that
// must come of it in both groupings, the cure, the one resolve, and the silence after it.

import { expect } from 'vitest';
import { type Alertmanager, GROUPINGS, type Grouping } from './alertmanager.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import type { Notification, NotificationLedger, NotifiedAlert } from './notification-ledger.ts';
import { type OutageSite, startOutageSite } from './outage-site.ts';
import { waitFor } from './wait.ts';

/** The fault lasts at least so long after its notification, so that a second one would be seen. */
const LASTING_MS = 12_000;
/** How long the phone must stay silent after the resolve: two group intervals and a resend. */
const SILENCE_MS = 12_000;
/** Generous: detection takes 15 s and more, recovery needs evidence and a hold of half a minute. */
const NOTICE_LIMIT_MS = 120_000;
const RESOLVE_LIMIT_MS = 210_000;
/**
 * Least and most from the fault to the first failure: a probe under way fails at once and began before, by its
 * time-out at most; the next one comes within three seconds, and the rest is patience with a busy machine.
 */
const FIRST_FAILURE_MS = { least: -10_000, most: 15_000 };

/** Receives what the Alertmanager of a test file sends. */
export interface Desk {
  readonly alertmanager: Alertmanager;
  readonly ledger: NotificationLedger;
}

/** The alert that must come, and nothing else. */
export interface ExpectedAlert {
  readonly alertname: string;
  readonly severity: 'critical' | 'warning';
  /** All labels beside `alertname`, `severity` and `site`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Components that the annotation `acquitted` must clear with evidence; none of them = nothing may be cleared. */
  readonly acquitted: readonly string[];
  /** What the summary must say, and that of the resolve after `Over after …: `. */
  readonly summary: RegExp;
  readonly past: RegExp;
}

export interface Outage {
  /** Unique; label `site` of its alerts. */
  readonly name: string;
  readonly origin?: 'caddy' | 'nginx';
  /** Makes the fault; may take its time (flapping). */
  begin(site: OutageSite): Promise<void>;
  heal(site: OutageSite): Promise<void>;
  expected(site: OutageSite): ExpectedAlert;
  /** What else happens between the notification and the cure. */
  meanwhile?(daemon: Daemon, site: OutageSite, desk: Desk): Promise<void>;
}

/** Plays the outage; fails with the whole story of its notifications. */
export async function playOutage(outage: Outage, desk: Desk): Promise<void> {
  const { name } = outage;
  await using site = await startOutageSite({ origin: outage.origin ?? 'caddy' });
  await using daemon = await startDaemon({ site, name, alertmanagerUrl: desk.alertmanager.url });
  try {
    await play(outage, desk, { site, daemon });
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${await story(name, desk, daemon)}`, {
      cause: error,
    });
  }
}

async function play(
  outage: Outage,
  { alertmanager, ledger }: Desk,
  { site, daemon }: { site: OutageSite; daemon: Daemon },
): Promise<void> {
  const { name } = outage;
  await daemon.healthy();
  expect(await daemon.incidents(), 'incidents before the fault').toEqual([]);

  const begunAt = Date.now();
  await outage.begin(site);
  await notified(ledger, name, 'firing', NOTICE_LIMIT_MS);
  const active = await alertmanager.alerts(name);
  await outage.meanwhile?.(daemon, site, { alertmanager, ledger });
  await pause(LASTING_MS);
  const expected = outage.expected(site);
  for (const grouping of GROUPINGS) {
    const notifications = ledger.of(name, grouping);
    expectOnly(notifications, ['firing'], grouping);
    expectAlert(notifications[0]!.alerts[0]!, expected, name);
    expectFirstFailure(notifications[0]!.alerts[0]!.startsAt, begunAt);
  }

  await outage.heal(site);
  await notified(ledger, name, 'resolved', RESOLVE_LIMIT_MS);
  await pause(SILENCE_MS);
  for (const grouping of GROUPINGS) {
    const [firing, resolved] = expectOnly(ledger.of(name, grouping), ['firing', 'resolved'], grouping);
    expect(resolved!.labels, 'labels of the resolve').toEqual(firing!.labels);
    expect(resolved!.startsAt, 'start of the resolve').toBe(firing!.startsAt);
    const [, past = ''] = /^Over after [^:]+: (.*)$/.exec(resolved!.annotations['summary'] ?? '') ?? [];
    expect(past, 'summary of the resolve').toMatch(expected.past);
  }
  expect(
    active.map((alert) => alert.labels),
    'alerts in Alertmanager',
  ).toEqual([ledger.of(name, GROUPINGS[0])[0]!.alerts[0]!.labels]);
  const incidents = await daemon.incidents();
  expect(
    incidents.map(({ state }) => state),
    'incidents at the end',
  ).toEqual(['resolved']);
}

/** Waits until both groupings have notified so. */
export async function notified(
  ledger: NotificationLedger,
  site: string,
  status: Notification['status'],
  limitMs: number,
): Promise<void> {
  const has = (grouping: Grouping): boolean =>
    ledger.of(site, grouping).some((entry) => entry.status === status);
  await waitFor(`${site} to be notified as ${status}`, () => GROUPINGS.every(has), { limitMs, everyMs: 250 });
}

/** Exactly those notifications, of one alert each; the alerts. */
export function expectOnly(
  notifications: readonly Notification[],
  statuses: readonly Notification['status'][],
  grouping: Grouping,
): NotifiedAlert[] {
  const seen = notifications.map(({ status, alerts }) => `${status}: ${alerts.length} alert(s)`);
  expect(seen, `notifications ${grouping}`).toEqual(statuses.map((status) => `${status}: 1 alert(s)`));
  return notifications.map(({ alerts }) => alerts[0]!);
}

/** The alert has exactly these labels, says what it must, and clears others with evidence. */
export function expectAlert(alert: NotifiedAlert, expected: Omit<ExpectedAlert, 'past'>, site: string): void {
  const { alertname, severity, labels } = expected;
  expect(alert.labels).toEqual({ alertname, severity, site, ...labels });
  expect(alert.annotations['summary']).toMatch(expected.summary);
  expect(alert.annotations['first_check'], 'first_check').toMatch(/\S/);
  const cleared = clearedComponents(alert.annotations['acquitted'] ?? '');
  if (expected.acquitted.length === 0) expect(cleared, 'acquitted with evidence').toEqual([]);
  expect(cleared, 'acquitted with evidence').toEqual(expect.arrayContaining([...expected.acquitted]));
  expect(cleared, 'acquitted').not.toContain(`${labels['component']}:${labels['name']}`);
}

/** The alert starts with the first failure, not when it was understood. */
function expectFirstFailure(startsAt: string, begunAt: number): void {
  const late = Date.parse(startsAt) - begunAt;
  expect(late, 'ms from the fault to startsAt').toBeGreaterThan(FIRST_FAILURE_MS.least);
  expect(late, 'ms from the fault to startsAt').toBeLessThan(FIRST_FAILURE_MS.most);
}

/** Ids of the components that the annotation clears; those it calls not tested are left out. */
function clearedComponents(acquitted: string): string[] {
  return acquitted.split('\n').flatMap((line) => {
    const [, id, evidence = ''] = /^(\S+): (.*)$/.exec(line) ?? [];
    return id === undefined || evidence.startsWith('not tested') ? [] : [id];
  });
}

/** For the message of a failed test: notifications, incidents, and what is not up. */
export async function story(name: string, { ledger }: Desk, daemon: Daemon): Promise<string> {
  const [incidents, checks] = await Promise.all([
    daemon.incidents().catch((error: unknown) => String(error)),
    daemon.checks().catch(() => []),
  ]);
  const notUp = checks
    .filter((check) => check.verdict !== 'up')
    .map((check) => `${check.id}: ${check.reason}`);
  return [
    `--- notifications of ${name}`,
    ledger.story(name),
    '--- incidents',
    JSON.stringify(incidents, null, 1),
    '--- checks that are not up',
    ...notUp.slice(0, 20),
    '--- output',
    daemon.output().slice(-6000),
  ].join('\n');
}

/** Waits on purpose: only time shows that nothing more comes. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
