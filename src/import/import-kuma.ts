// Uptime Kuma's database as pages, and what its last shared outage cost: every monitor tells every receiver.

import {
  type Kuma,
  type KumaChange,
  KumaError,
  type KumaMonitor,
  openKuma,
} from '../discover/kuma-database.ts';
import { PAGE_TYPES } from '../discover/uptime-kuma.ts';
import {
  ImportError,
  type Imported,
  type ImportedPage,
  type LeftOut,
  oneLine,
  type SharedOutage,
} from './imported.ts';

/** Monitors that go down this close to one another went down together, ms; from this many on it is shared. */
const TOGETHER_MS = 600_000;
const LONGEST_BEGIN_MS = 3_600_000;
const FEWEST_MONITORS = 3;
/** Beyond any history. */
const NEVER = Date.UTC(2200, 0);
/** Statuses a list may name; wider ranges are what gatewatch takes for right anyway. */
const MOST_STATUSES = 16;

/** Reads `kuma.db`; throws ImportError. */
export function importKuma(file: string): Imported {
  try {
    using kuma = openKuma(file);
    const monitors = kuma.monitors();
    const pages: ImportedPage[] = [];
    const leftOut: LeftOut[] = [];
    for (const monitor of monitors) {
      const name = nameOf(monitor);
      const why = unusable(monitor);
      if (why !== null) leftOut.push({ name, why });
      if (why !== null) continue;
      pages.push(pageFrom(monitor));
      leftOut.push(...partsLeftOut(monitor).map((part) => ({ name, why: part })));
    }
    for (const { name, kind } of kuma.receivers())
      leftOut.push({
        name: oneLine(name),
        why: `is a receiver (${oneLine(kind)}): see receivers: in the README`,
      });
    return { tool: 'Uptime Kuma', pages, leftOut, outage: lastOutage(kuma, monitors) };
  } catch (error) {
    if (error instanceof KumaError) throw new ImportError(error.message, { cause: error });
    throw error;
  }
}

function nameOf({ name, id }: KumaMonitor): string {
  const text = oneLine(name);
  return text === '' ? `monitor ${id}` : text;
}

function unusable(monitor: KumaMonitor): string | null {
  if (monitor.type === 'group') return 'is a group: gatewatch finds out by itself what fails together';
  if (!PAGE_TYPES.includes(monitor.type))
    return `is of type ${oneLine(monitor.type)}: only pages are watched`;
  if (!monitor.isActive) return 'is paused';
  if (monitor.upsideDown) return 'is upside down; write it with expect: closed';
  return null;
}

function pageFrom(monitor: KumaMonitor): ImportedPage {
  const keyword = monitor.type === 'keyword' ? monitor.keyword : null;
  return {
    name: nameOf(monitor),
    url: monitor.url.split('#')[0] ?? '',
    intervalSeconds: monitor.intervalSeconds,
    contains: monitor.invertsKeyword ? null : keyword,
    notContains: monitor.invertsKeyword ? keyword : null,
    statuses: statusesOf(monitor.statuses),
    slowMs: null,
  };
}

/** The statuses, where they are few and not the successful ones as always. */
function statusesOf(written: readonly string[]): number[] {
  const statuses = written.flatMap((text) => {
    const [, from = '', to = from] = /^(\d{3})(?:-(\d{3}))?$/.exec(text) ?? [];
    return Array.from(
      { length: Math.max(0, Number(to) - Number(from) + 1) },
      (_, index) => Number(from) + index,
    );
  });
  const allowed = statuses.filter((status) => status >= 100 && status <= 599);
  return allowed.length > MOST_STATUSES ? [] : allowed;
}

function partsLeftOut(monitor: KumaMonitor): string[] {
  return [
    ...(monitor.method === 'GET' ? [] : [`its method ${oneLine(monitor.method)}: pages are fetched by GET`]),
    ...(monitor.sendsMore ? ['its headers, body, credentials or proxy: nothing secret is copied'] : []),
    ...(monitor.ignoresTls ? ['ignoring TLS errors: name the authority under tls: { ca }'] : []),
    ...(monitor.type === 'json-query' ? ['its JSON query'] : []),
  ];
}

/** The newest time that several monitors went down together; null when there was none. */
function lastOutage(kuma: Kuma, monitors: readonly KumaMonitor[]): SharedOutage | null {
  const changes = kuma.changes();
  const begins = beginningsOf(changes.filter(({ isDown }) => isDown));
  const begin = begins.findLast(
    (downs) => new Set(downs.map((one) => one.monitorId)).size >= FEWEST_MONITORS,
  );
  const at = begin?.[0]?.at;
  if (begin === undefined || at === undefined) return null;
  const ids = new Set(begin.map(({ monitorId }) => monitorId));
  const until = endOf(changes, ids, begin.at(-1)?.at ?? at);
  const notifications = monitors
    .filter(({ id }) => ids.has(id))
    .reduce((sum, monitor) => sum + sentBy(monitor, { kuma, changes, at, until }), 0);
  return { at, monitors: ids.size, notifications };
}

/** When the last of the monitors was up again after the begin; a far time while one is not. */
function endOf(changes: readonly KumaChange[], ids: ReadonlySet<number>, last: number): number {
  const recoveries = [...ids].map(
    (id) => changes.find((one) => one.monitorId === id && !one.isDown && one.at >= last)?.at ?? NEVER,
  );
  return Math.max(...recoveries);
}

/** Changes to down, those together that follow one another closely. */
function beginningsOf(downs: readonly KumaChange[]): KumaChange[][] {
  const groups: KumaChange[][] = [];
  for (const down of downs) {
    const group = groups.at(-1);
    const [first, last] = [group?.[0], group?.at(-1)];
    const isClose =
      first !== undefined &&
      last !== undefined &&
      down.at - last.at <= TOGETHER_MS &&
      down.at - first.at <= LONGEST_BEGIN_MS;
    if (isClose) group?.push(down);
    else groups.push([down]);
  }
  return groups;
}

/** What a monitor told its receivers in an outage: each change, and reminders while it stayed down. */
function sentBy(
  { id, resendEvery, receivers }: KumaMonitor,
  outage: {
    readonly kuma: Kuma;
    readonly changes: readonly KumaChange[];
    readonly at: number;
    readonly until: number;
  },
): number {
  const { kuma, changes, at, until } = outage;
  const own = changes.filter((one) => one.monitorId === id && one.at >= at && one.at <= until);
  const reminders = resendEvery === 0 ? 0 : Math.floor(kuma.downBeats(id, at, until) / resendEvery);
  return (own.length + reminders) * receivers;
}
