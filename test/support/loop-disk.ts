// A disk of its own for a test: an ext4 file system in a file, which can be stopped in the middle of a write
// (fsfreeze) or give up writing for good (an error makes it read-only). Needs root.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface LoopDisk extends Disposable {
  /** Where it is mounted. */
  readonly folder: string;
  /** Every write waits from here on, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Makes it read-only under the feet of whoever has files open. */
  breakDown(): void;
}

/** Mounts a new one below `folder`. */
export function loopDisk(folder: string): LoopDisk {
  const image = join(folder, 'disk.img');
  const mounted = join(folder, 'mounted');
  writeFileSync(image, '');
  truncateSync(image, 48 * 2 ** 20);
  execFileSync('mkfs.ext4', ['-q', image]);
  mkdirSync(mounted);
  execFileSync('mount', ['-o', 'loop,errors=remount-ro', image, mounted]);
  const [device = ''] = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.split(' ')[1] === mounted);
  let frozen = false;
  const thaw = (): void => {
    if (frozen) execFileSync('fsfreeze', ['-u', mounted]);
    frozen = false;
  };
  return {
    folder: mounted,
    freeze() {
      execFileSync('fsfreeze', ['-f', mounted]);
      frozen = true;
    },
    thaw,
    breakDown: () =>
      writeFileSync(`/sys/fs/ext4/${basename(device.split(' ')[0] ?? '')}/trigger_fs_error`, 'test'),
    [Symbol.dispose]() {
      thaw();
      execFileSync('umount', [mounted]);
    },
  };
}
