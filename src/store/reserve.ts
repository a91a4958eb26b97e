// A file that only occupies space. On a full disk SQLite cannot even delete rows (threats M17); dropping this file
// gives it the room to do so, and alerting the room to go on.

import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Bytes of the file: enough for a WAL of some hundred commits. */
const RESERVE_BYTES = 4 * 2 ** 20;
const SLICE_BYTES = 64 * 1024;
/** It is made again when this many times its size is free. */
const ROOM = 8;

export interface Reserve {
  /** Gives the space free; false when it already was. */
  drop(): boolean;
  /** Makes the file unless it exists or space is short. Never throws. */
  restore(): void;
}

/** Reserve of at most `maxBytes / 16`, so that a small store is not mostly reserve. */
export function createReserve(file: string, maxBytes: number): Reserve {
  const bytes = Math.min(RESERVE_BYTES, Math.floor(maxBytes / 16));
  return {
    drop() {
      if (!existsSync(file)) return false;
      rmSync(file, { force: true });
      return true;
    },
    restore() {
      if (existsSync(file)) return;
      try {
        const disk = statfsSync(dirname(file));
        if (disk.bavail * disk.bsize < bytes * ROOM) return;
        writeFileSync(file, '', { mode: 0o600 });
        // Random, so that no file system stores it as nothing; in slices, so that it does not pass through memory whole.
        for (let left = bytes; left > 0; left -= SLICE_BYTES)
          appendFileSync(file, randomBytes(Math.min(left, SLICE_BYTES)));
      } catch {
        rmSync(file, { force: true });
      }
    },
  };
}
