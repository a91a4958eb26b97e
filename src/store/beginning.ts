// The start of a store: creates, migrates and checks both files, reads what memory is to hold of them, and closes
// them again. From then on only the writing thread has them open for writing.

import { existsSync } from 'node:fs';
import Database, { type Database as Connection } from 'better-sqlite3';
import type { Part } from './job.ts';
import { knownVersion } from './migrate.ts';
import { type LatestResult, readNewest } from './newest.ts';
import { openDatabase } from './open-database.ts';
import { bytesOf } from './retention.ts';
import { createStateTables, type IncidentRow, readState, type StateContents } from './state-tables.ts';
import { StoreError } from './store-error.ts';
import type { StoreFiles } from './store-files.ts';

/** What a start has found. */
export interface Beginning {
  /** Where to go on; beside the named ones when those belong to a newer program. */
  readonly files: StoreFiles;
  readonly state: StateContents;
  readonly latest: readonly LatestResult[];
  /** Highest id of a result. */
  readonly lastId: number;
  readonly bytes: number;
  /** What people should know, each one sentence. */
  readonly notices: readonly { readonly part: Part; readonly sentence: string; readonly lasting: boolean }[];
}

interface Options {
  readonly readonly: boolean;
  /** For the name of a damaged file that is set aside. */
  readonly now: number;
}

/** Opens and reads both files. Throws StoreError. */
export function beginStore(named: StoreFiles, options: Options): Beginning {
  let state: StateContents | undefined;
  let rows: { latest: readonly LatestResult[]; lastId: number } | undefined;
  const opened = {
    state: beginPart('state', named, options, (db) => {
      state = readState(db);
    }),
    results: beginPart('results', named, options, (db) => {
      rows = readNewest(db);
    }),
  };
  if (state === undefined || rows === undefined)
    throw new StoreError('unusable', `${named.state} was not read`);
  return {
    files: { ...named, state: opened.state.file, results: opened.results.file },
    state,
    ...rows,
    bytes: opened.state.bytes + opened.results.bytes,
    notices: [...opened.state.notices, ...opened.results.notices],
  };
}

interface BegunPart {
  readonly file: string;
  readonly bytes: number;
  readonly notices: Beginning['notices'];
}

function beginPart(
  part: Part,
  named: StoreFiles,
  { readonly, now }: Options,
  read: (db: Connection) => void,
): BegunPart {
  const begin = (file: string): Omit<BegunPart, 'file'> => {
    const synchronous = part === 'state' ? 'FULL' : 'NORMAL';
    const { db, setAside } = openDatabase(file, { set: part, synchronous, readonly }, now, read);
    const bytes = bytesOf(db).all;
    db.close();
    const sentence = `the file with the store's ${part} was damaged and is kept as ${setAside}; a new one was begun`;
    return { bytes, notices: setAside === null ? [] : [{ part, sentence, lasting: false }] };
  };
  const file = named[part];
  try {
    return { file, ...begin(file) };
  } catch (error) {
    if (readonly || !(error instanceof StoreError) || error.code !== 'newer') throw error;
    const beside = file.replace(/(\.db)?$/, `-form${knownVersion(part)}$1`);
    if (part === 'state' && !existsSync(beside)) copyState(file, beside);
    const sentence = `${error.message}; until then ${beside} is used`;
    const { bytes, notices } = begin(beside);
    return { file: beside, bytes, notices: [{ part, sentence, lasting: true }, ...notices] };
  }
}

// An unattended downgrade must not stop the watching (threats X33). What of the newer state can be read is taken over,
// so that what fires goes on; what cannot is left.
function copyState(newer: string, beside: string): void {
  let from: Connection | null = null;
  let to: Connection | null = null;
  try {
    from = new Database(newer, { readonly: true, fileMustExist: true });
    const { queued, accepted, facts, texts } = readState(from);
    const incidents = from.prepare<[], IncidentRow>(
      `SELECT id, opened_at AS openedAt, resolved_at AS resolvedAt, state, kind, component, labels, body
       FROM incidents WHERE state <> 'resolved'`,
    );
    const open = incidents.all();
    to = openDatabase(beside, { set: 'state', synchronous: 'FULL', readonly: false }, 0).db;
    const write = createStateTables(to);
    to.transaction(() => {
      for (const row of open) write(['incident', row]);
      for (const row of queued) write(['queue', row]);
      for (const row of accepted) write(['accept', row]);
      for (const row of facts) write(['fact', row]);
      for (const { key, value } of texts) write(['put', key, value]);
    })();
  } catch {
    // A form that this program cannot read: it begins with nothing.
  } finally {
    from?.close();
    to?.close();
  }
}
