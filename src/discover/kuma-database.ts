// Uptime Kuma's database (SQLite, versions 1.23 and 2.x), opened read-only. Only the columns that are needed are read:
// others hold passwords, tokens and the secrets of receivers (threats D8).

import Database from 'better-sqlite3';
import { z } from 'zod';

/** Rows that are read at most: monitors, and changes of state of their history. */
const MOST_MONITORS = 5_000;
const MOST_CHANGES = 200_000;
/** How long a writer may hold the file, ms. */
const BUSY_MS = 5_000;

/** A file that is not what it should be; the message has no content of it. */
export class KumaError extends Error {}

/** A monitor, as far as it says what is watched and how often. */
export interface KumaMonitor {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly url: string;
  readonly isActive: boolean;
  readonly intervalSeconds: number;
  readonly keyword: string | null;
  readonly invertsKeyword: boolean;
  readonly upsideDown: boolean;
  readonly ignoresTls: boolean;
  readonly method: string;
  readonly statuses: readonly string[];
  /** Down beats after which it notifies again; 0 = once. */
  readonly resendEvery: number;
  /** Whether it sends a body, headers or credentials of its own. */
  readonly sendsMore: boolean;
  /** How many active receivers it notifies. */
  readonly receivers: number;
}

/** A change of state in the history. */
export interface KumaChange {
  readonly monitorId: number;
  readonly isDown: boolean;
  readonly at: number;
}

export interface Kuma extends Disposable {
  monitors(): KumaMonitor[];
  /** The newest changes of state, oldest first. */
  changes(): KumaChange[];
  /** Down beats of a monitor in [from, to). */
  downBeats(monitorId: number, from: number, to: number): number;
  /** Names and kinds of what is notified. */
  receivers(): { readonly name: string; readonly kind: string }[];
}

/** Opens a database; throws KumaError when it is none of Uptime Kuma's. */
export function openKuma(file: string): Kuma {
  const database = open(file);
  try {
    const columns = columnsOf(database, 'monitor');
    const hasHistory = columnsOf(database, 'heartbeat').has('important');
    if (!columns.has('url') || !columns.has('interval') || !hasHistory)
      throw new KumaError('is no database of Uptime Kuma');
    return {
      monitors: () => monitorsOf(database, columns),
      changes: () => changesOf(database),
      downBeats: (monitorId, from, to) => downBeatsOf(database, { monitorId, from, to }),
      receivers: () => receiversOf(database),
      [Symbol.dispose]: () => void database.close(),
    };
  } catch (error) {
    database.close();
    if (error instanceof KumaError) throw error;
    const isNone = error instanceof Error && 'code' in error && error.code === 'SQLITE_NOTADB';
    throw new KumaError(isNone ? 'is no SQLite database' : 'cannot be read', { cause: error });
  }
}

function open(file: string): Database.Database {
  try {
    const database = new Database(file, { readonly: true, fileMustExist: true, timeout: BUSY_MS });
    database.pragma('trusted_schema = OFF');
    database.pragma('query_only = ON');
    return database;
  } catch (cause) {
    throw new KumaError('cannot be opened', { cause });
  }
}

function columnsOf(database: Database.Database, table: string): Set<string> {
  const rows = z
    .array(z.object({ name: z.string() }))
    .parse(database.prepare('SELECT name FROM pragma_table_info(?)').all(table));
  return new Set(rows.map(({ name }) => name));
}

const rowSchema = z.object({
  id: z.int(),
  name: z.string().nullable(),
  type: z.string().nullable(),
  url: z.string().nullable(),
  active: z.number(),
  interval: z.number().positive(),
  keyword: z.string().nullable(),
  invert_keyword: z.number().nullable(),
  upside_down: z.number().nullable(),
  ignore_tls: z.number().nullable(),
  method: z.string().nullable(),
  accepted_statuscodes_json: z.string().nullable(),
  resend_interval: z.number().nullable(),
  sends_more: z.number(),
  receivers: z.number(),
});

const statusesSchema = z.array(z.string());

function monitorsOf(database: Database.Database, columns: ReadonlySet<string>): KumaMonitor[] {
  const read = Object.keys(rowSchema.shape).filter((name) => name !== 'sends_more' && name !== 'receivers');
  const secret = ['headers', 'body', 'basic_auth_user', 'auth_method', 'proxy_id'];
  const more = secret.filter((name) => columns.has(name)).map((name) => `coalesce(m."${name}", '') <> ''`);
  const receivers = columnsOf(database, 'monitor_notification').has('notification_id')
    ? `(SELECT count(*) FROM monitor_notification l JOIN notification n ON n.id = l.notification_id
        WHERE l.monitor_id = m.id AND n.active = 1)`
    : '0';
  const rows = database
    .prepare(
      `SELECT ${read.map((name) => (columns.has(name) ? `m."${name}"` : `NULL AS "${name}"`)).join(', ')},
              ${more.length === 0 ? '0' : `(${more.join(' OR ')})`} AS sends_more, ${receivers} AS receivers
       FROM monitor m ORDER BY m.id LIMIT ${MOST_MONITORS + 1}`,
    )
    .all();
  if (rows.length > MOST_MONITORS) throw new KumaError(`has more than ${MOST_MONITORS} monitors`);
  return rows.map((row, index) => {
    const parsed = rowSchema.safeParse(row);
    if (!parsed.success)
      throw new KumaError(
        `monitor ${index + 1}: ${String(parsed.error.issues[0]?.path[0])} is not what it should be`,
      );
    return monitorFrom(parsed.data);
  });
}

function monitorFrom(row: z.output<typeof rowSchema>): KumaMonitor {
  return {
    id: row.id,
    name: row.name ?? '',
    type: row.type ?? '',
    url: row.url ?? '',
    isActive: row.active === 1,
    intervalSeconds: row.interval,
    keyword: row.keyword === '' ? null : row.keyword,
    invertsKeyword: row.invert_keyword === 1,
    upsideDown: row.upside_down === 1,
    ignoresTls: row.ignore_tls === 1,
    method: (row.method ?? 'GET').toUpperCase(),
    statuses: statusesFrom(row.accepted_statuscodes_json),
    resendEvery: row.resend_interval ?? 0,
    sendsMore: row.sends_more === 1,
    receivers: row.receivers,
  };
}

function statusesFrom(text: string | null): readonly string[] {
  try {
    return statusesSchema.parse(JSON.parse(text ?? '["200-299"]'));
  } catch {
    return [];
  }
}

/** Times are UTC, written `2026-04-18 10:00:00.000`. */
function epochOf(text: string): number {
  return Date.parse(`${text.replace(' ', 'T')}Z`);
}

function textOf(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('T', ' ').replace('Z', '');
}

const changeSchema = z.object({ monitor_id: z.int(), status: z.int(), time: z.string() });

function changesOf(database: Database.Database): KumaChange[] {
  const rows = database
    .prepare(
      `SELECT monitor_id, status, time FROM heartbeat
       WHERE important = 1 AND status IN (0, 1) ORDER BY time DESC LIMIT ${MOST_CHANGES}`,
    )
    .all();
  return rows
    .map((row) => changeSchema.parse(row))
    .map((row) => ({ monitorId: row.monitor_id, isDown: row.status === 0, at: epochOf(row.time) }))
    .filter(({ at }) => !Number.isNaN(at))
    .reverse();
}

function downBeatsOf(
  database: Database.Database,
  { monitorId, from, to }: { readonly monitorId: number; readonly from: number; readonly to: number },
): number {
  const row = database
    .prepare(
      'SELECT count(*) AS beats FROM heartbeat WHERE monitor_id = ? AND status = 0 AND time >= ? AND time < ?',
    )
    .get(monitorId, textOf(from), textOf(to));
  return z.object({ beats: z.int() }).parse(row).beats;
}

const receiverSchema = z.object({ name: z.string().nullable(), kind: z.string().nullable() });

function receiversOf(database: Database.Database): { name: string; kind: string }[] {
  if (!columnsOf(database, 'notification').has('config')) return [];
  const rows = database
    .prepare(
      `SELECT name, CASE WHEN json_valid(config) THEN json_extract(config, '$.type') END AS kind
       FROM notification WHERE active = 1 ORDER BY id`,
    )
    .all();
  return rows
    .map((row) => receiverSchema.parse(row))
    .map(({ name, kind }) => ({ name: name ?? '', kind: kind ?? 'unknown kind' }));
}
