// A wall clock of a child process that tests set while it runs (libfaketime); its monotonic clock stays true.

import { globSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface FakeTime {
  /** For the child's environment. */
  readonly environment: Record<string, string>;
  /** From within a second on, its wall clock is `ms` ahead of the true one (behind when negative). */
  set(ms: number): Promise<void>;
}

/** Control file in `folder`; true time until told otherwise. */
export async function fakeTime(folder: string): Promise<FakeTime> {
  const [library] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1');
  if (library === undefined) throw new Error('libfaketime is not installed: run test/install-components.sh');
  const file = join(folder, 'faketime');
  const set = (ms: number): Promise<void> => {
    const seconds = Math.round(ms / 1_000);
    return writeFile(file, `${seconds < 0 ? '' : '+'}${seconds}\n`);
  };
  await set(0);
  return {
    environment: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_RESET: '1',
    },
    set,
  };
}
