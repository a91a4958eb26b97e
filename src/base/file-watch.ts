// Notices that one of some files changed, also by a ConfigMap's symlink swap and by editors that replace
// the file: it watches the folders, and compares contents (gatus #151: a watched inode never sees the swap).

import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from './clock.ts';
import { lackOfDescriptors } from './exhaustion.ts';
import { readRegularFile } from './regular-file.ts';

/** A change counts when two reads this far apart are the same: no half-written file (threats P5). */
const SETTLE_MS = 1_000;
/** Folders on network volumes send no events: look now and then all the same. */
const LOOK_MS = 60_000;

/** Files of these folders, whichever there are at the time. */
export interface FileSet {
  readonly folders: readonly string[];
  list(): readonly string[];
}

/**
 * Calls `changed` when the contents of any file (or which files there are) are not those of the start, or of the
 * last call.
 */
export function watchFiles(
  files: readonly string[] | FileSet,
  clock: Clock,
  changed: () => void,
): Disposable {
  const { folders, list } = 'list' in files ? files : { folders: files.map(dirname), list: () => files };
  let known = digest(list());
  let pending: string | null = null;
  let cancelSettle = (): void => {};
  let cancelLook = (): void => {};

  const settle = (): void => {
    const now = digest(list());
    if (now === null) {
      cancelSettle = clock.after(SETTLE_MS, settle);
      return;
    }
    if (now !== pending) {
      look(); // still being written
      return;
    }
    pending = null;
    known = now;
    changed();
  };
  const look = (): void => {
    const now = digest(list());
    // The store may be in the same folder and brings events all the time: they must not put off a rested file.
    if (now === null || now === pending) return;
    known ??= now;
    cancelSettle();
    pending = now === known ? null : now;
    if (pending !== null) cancelSettle = clock.after(SETTLE_MS, settle);
  };
  const lookRegularly = (): void => {
    look();
    cancelLook = clock.after(LOOK_MS, lookRegularly);
  };

  const watchers = [...new Set(folders)].map((folder) => watchFolder(folder, look));
  cancelLook = clock.after(LOOK_MS, lookRegularly);
  return {
    [Symbol.dispose]() {
      cancelSettle();
      cancelLook();
      for (const watcher of watchers) watcher?.close();
    },
  };
}

function watchFolder(folder: string, look: () => void): FSWatcher | null {
  try {
    return watch(folder, { persistent: false }, look).on('error', () => {});
  } catch {
    return null; // the regular look is enough
  }
}

/** More is refused by the loader anyway. */
const MOST_BYTES = 1024 * 1024 + 1;

/**
 * One hash over all contents; a file that cannot be read counts as what is wrong with it. Null when it is we who lack
 * descriptors: that says nothing about the files (threats M19).
 */
function digest(files: readonly string[]): string | null {
  const hash = createHash('sha256');
  for (const file of files) {
    const read = readRegularFile(file, MOST_BYTES);
    if (!('bytes' in read) && lackOfDescriptors() !== null) return null;
    hash.update('bytes' in read ? read.bytes : read.why);
    hash.update(`\0${file}\0`);
  }
  return hash.digest('hex');
}
