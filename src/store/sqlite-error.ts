// What SQLite's and the file system's error codes mean for us, and in words for people.

import Database from 'better-sqlite3';

/** Begins of codes, and what they say. The more exact come first. */
const WORDS: readonly (readonly [string, string])[] = [
  ['SQLITE_FULL', 'the disk is full'],
  ['ENOSPC', 'the disk is full'],
  ['SQLITE_READONLY', 'it is read-only'],
  ['EROFS', 'it is read-only'],
  ['SQLITE_BUSY', 'another process has locked it'],
  ['SQLITE_LOCKED', 'another process has locked it'],
  ['SQLITE_CANTOPEN', 'the file or its folder is gone or cannot be opened'],
  ['ENOENT', 'the file or its folder is gone'],
  ['EACCES', 'permission is missing'],
  ['EPERM', 'permission is missing'],
  ['SQLITE_IOERR', 'the disk reports an error'],
  ['EIO', 'the disk reports an error'],
];

/** Whether the file itself is damaged, so that waiting or retrying cannot help. */
export function isBroken(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code);
}

/** Whether the disk is full. */
export function isFull(error: unknown): boolean {
  return /^SQLITE_FULL|^ENOSPC/.test(codeOf(error) ?? '');
}

/** Words and code, of the first cause that has one: `the disk is full (SQLITE_FULL)`. */
export function wordsOf(error: unknown): string {
  const code = codeOf(error);
  if (code === null) return error instanceof Error ? error.message : String(error);
  const [, words] = WORDS.find(([begin]) => code.startsWith(begin)) ?? [];
  return words === undefined ? code : `${words} (${code})`;
}

function codeOf(error: unknown): string | null {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ('code' in current && /^(SQLITE_|E[A-Z0-9]+$)/.test(String(current.code))) return String(current.code);
  }
  return null;
}
