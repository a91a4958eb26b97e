// Real databases of Uptime Kuma, by the tables that versions 1.23 and 2.x make (db/kuma.db with its patches;
// db/knex_init_db.js with its migrations): names, types and defaults of the columns as they are on disk.

import Database from 'better-sqlite3';

/** A monitor to write: what is left out has the version's own default. */
export interface KumaRow {
  readonly name: string;
  readonly type?: string;
  readonly url?: string | null;
  readonly active?: number;
  readonly interval?: number;
  readonly [column: string]: string | number | null | undefined;
}

/** A beat: whether it was down, and whether that was news. */
export interface KumaBeat {
  readonly monitor: number;
  readonly at: number;
  readonly status: 0 | 1 | 2 | 3;
  readonly important: boolean;
}

const MONITOR_BOTH = `
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name VARCHAR(150), active BOOLEAN DEFAULT 1 NOT NULL,
  user_id INTEGER, interval INTEGER DEFAULT 20 NOT NULL, url TEXT, type VARCHAR(20), weight INTEGER DEFAULT 2000,
  hostname VARCHAR(255), port INTEGER, created_date DATETIME DEFAULT (DATETIME('now')) NOT NULL,
  keyword VARCHAR(255), maxretries INTEGER NOT NULL DEFAULT 0, ignore_tls BOOLEAN NOT NULL DEFAULT 0,
  upside_down BOOLEAN NOT NULL DEFAULT 0, maxredirects INTEGER NOT NULL DEFAULT 10,
  accepted_statuscodes_json TEXT NOT NULL DEFAULT '["200-299"]', dns_resolve_type VARCHAR(5),
  retry_interval INTEGER NOT NULL DEFAULT 0, push_token VARCHAR(20), method TEXT NOT NULL DEFAULT 'GET',
  body TEXT, headers TEXT, basic_auth_user TEXT, basic_auth_pass TEXT, docker_host INTEGER, proxy_id INTEGER,
  expiry_notification BOOLEAN DEFAULT 1, auth_method VARCHAR(250), resend_interval INTEGER NOT NULL DEFAULT 0,
  http_body_encoding VARCHAR(25), description TEXT, tls_key TEXT, tls_cert TEXT, tls_ca TEXT, parent INTEGER,
  invert_keyword BOOLEAN NOT NULL DEFAULT 0, json_path TEXT, expected_value VARCHAR(255), timeout DOUBLE`;

const SCHEMAS = {
  '1.23': `
    CREATE TABLE monitor (${MONITOR_BOTH});
    CREATE TABLE heartbeat (
      id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, important BOOLEAN DEFAULT 0 NOT NULL,
      monitor_id INTEGER NOT NULL REFERENCES monitor(id), status SMALLINT NOT NULL, msg TEXT,
      time DATETIME NOT NULL, ping INTEGER, duration INTEGER DEFAULT 0 NOT NULL, down_count INTEGER NOT NULL DEFAULT 0);`,
  '2.0': `
    CREATE TABLE monitor (${MONITOR_BOTH}, gamedig_given_port_only BOOLEAN NOT NULL DEFAULT 1, mqtt_check_type
      VARCHAR(255) NOT NULL DEFAULT 'keyword', remote_browser INTEGER, json_path_operator VARCHAR(255),
      cache_bust BOOLEAN NOT NULL DEFAULT 0, conditions TEXT NOT NULL DEFAULT '[]', ip_family VARCHAR(4));
    CREATE TABLE heartbeat (
      id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, important BOOLEAN NOT NULL DEFAULT '0',
      monitor_id INTEGER NOT NULL REFERENCES monitor(id), status SMALLINT NOT NULL, msg TEXT,
      time DATETIME NOT NULL, ping INTEGER, duration INTEGER NOT NULL DEFAULT '0',
      down_count INTEGER NOT NULL DEFAULT '0', end_time DATETIME, retries INTEGER NOT NULL DEFAULT '0');
    CREATE TABLE knex_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(255));`,
} as const;

const COMMON = `
  CREATE TABLE notification (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name VARCHAR(255), config TEXT,
    active BOOLEAN DEFAULT 1 NOT NULL, user_id INTEGER, is_default BOOLEAN DEFAULT 0 NOT NULL);
  CREATE TABLE monitor_notification (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, monitor_id INTEGER NOT NULL,
    notification_id INTEGER NOT NULL);
  CREATE TABLE setting (id INTEGER PRIMARY KEY AUTOINCREMENT, key VARCHAR(200) NOT NULL, value TEXT, type VARCHAR(20));
  CREATE INDEX monitor_time_index ON heartbeat (monitor_id, time);
  CREATE INDEX important ON heartbeat (important);`;

export type KumaVersion = keyof typeof SCHEMAS;
export const KUMA_VERSIONS: readonly KumaVersion[] = ['1.23', '2.0'];

/** Writes a database; every monitor notifies every receiver. */
export function writeKuma(
  file: string,
  version: KumaVersion,
  content: {
    readonly monitors: readonly KumaRow[];
    readonly receivers?: readonly { readonly name: string; readonly config: string }[];
    readonly beats?: readonly KumaBeat[];
  },
): void {
  using database = disposable(new Database(file));
  const { db } = database;
  db.pragma('journal_mode = WAL');
  db.exec(`${SCHEMAS[version]}${COMMON}`);
  for (const row of content.monitors) {
    const set = Object.entries({ type: 'http', ...row }).filter(([, value]) => value !== undefined);
    db.prepare(
      `INSERT INTO monitor (${set.map(([name]) => name).join(', ')}) VALUES (${set.map(() => '?').join(', ')})`,
    ).run(set.map(([, value]) => value));
  }
  for (const { name, config } of content.receivers ?? [])
    db.prepare('INSERT INTO notification (name, config) VALUES (?, ?)').run(name, config);
  db.exec(
    'INSERT INTO monitor_notification (monitor_id, notification_id) SELECT m.id, n.id FROM monitor m, notification n',
  );
  const beat = db.prepare('INSERT INTO heartbeat (monitor_id, time, status, important) VALUES (?, ?, ?, ?)');
  db.transaction(() => {
    for (const { monitor, at, status, important } of content.beats ?? []) {
      const time = new Date(at).toISOString().replace('T', ' ').replace('Z', '');
      beat.run(monitor, time, status, important ? 1 : 0);
    }
  })();
}

function disposable(db: Database.Database): { db: Database.Database } & Disposable {
  return { db, [Symbol.dispose]: () => void db.close() };
}
