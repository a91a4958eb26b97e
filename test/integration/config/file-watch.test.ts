// Changes of real files: edited, replaced, swapped by symlink, half written, gone and back. Timers are turned by hand
// where a settled file is what counts; only the file system's own events are waited for.

import { execFileSync } from 'node:child_process';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { watchFiles } from '../../../src/base/file-watch.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { type TempFolder, tempFolder } from '../../support/temp-folder.ts';
import { waitFor } from '../../support/wait.ts';

/** Longer than a file must rest, shorter than the regular look. */
const REST_MS = 5_000;
/** Node has no call for it. */
const MAKE_FIFO = 'mkfifo';
/** At least one regular look. */
const LOOK_MS = 61_000;

let folder: TempFolder;
let clock: ManualClock;
let file: string;
let watching: Disposable;
let changes: number;

beforeEach(async () => {
  folder = await tempFolder('watch');
  clock = manualClock();
  file = join(folder.path, 'gatewatch.yaml');
  await writeFile(file, 'targets: [a]\n');
  changes = 0;
});
afterEach(async () => {
  watching[Symbol.dispose]();
  await folder[Symbol.asyncDispose]();
});

function watch(files: readonly string[] = [file]): void {
  watching = watchFiles(files, clock, () => {
    changes += 1;
  });
}

/** Waits for the event of the file system: it arms a second timer beside that of the regular look. */
const noticed = (): Promise<unknown> => waitFor('the event', () => clock.timers === 2, { everyMs: 10 });

describe('tells of', () => {
  const edits: [what: string, edit: () => Promise<unknown>][] = [
    ['an edit in place', () => writeFile(file, 'targets: [b]\n')],
    [
      'an editor that replaces the file',
      async () => {
        await writeFile(`${file}.new`, 'targets: [b]\n');
        await rename(`${file}.new`, file);
      },
    ],
    ['a file that is gone', () => rm(file)],
  ];
  test.each(edits)('%s, once, after it has rested', async (_, edit) => {
    watch();
    await edit();
    await noticed();
    expect(changes).toBe(0);
    clock.advance(REST_MS);
    expect(changes).toBe(1);
    clock.advance(LOOK_MS);
    expect(changes).toBe(1);
  });

  test("a ConfigMap's symlink swap, though the watched name never changes", async () => {
    for (const name of ['first', 'second']) {
      await mkdir(join(folder.path, name));
      await writeFile(join(folder.path, name, 'mounted.yaml'), `targets: [${name}]\n`);
    }
    const data = join(folder.path, '..data');
    await symlink('first', data);
    await symlink('..data/mounted.yaml', join(folder.path, 'mounted.yaml'));
    watch([join(folder.path, 'mounted.yaml')]);
    await symlink('second', `${data}_tmp`);
    await rename(`${data}_tmp`, data);
    await noticed();
    clock.advance(REST_MS);
    expect(changes).toBe(1);
  });

  test('a secret that is read beside the file, in a folder of its own', async () => {
    const secret = join(folder.path, 'secrets', 'token');
    await mkdir(join(folder.path, 'secrets'));
    await writeFile(secret, 'one');
    watch([file, secret]);
    await writeFile(secret, 'two');
    await noticed();
    clock.advance(REST_MS);
    expect(changes).toBe(1);
  });

  test('a change beside a file that is written all the time, as the store is', async () => {
    watch();
    await writeFile(file, 'targets: [b]\n');
    await noticed();
    const busy = async (): Promise<boolean> => {
      await writeFile(join(folder.path, 'gatewatch.db-wal'), String(clock.now()));
      clock.advance(300);
      return changes > 0;
    };
    await waitFor('the change', busy, { everyMs: 20, limitMs: 5_000 });
    expect(changes).toBe(1);
  });

  test('a change that brought no event, at the next regular look', async () => {
    const elsewhere = join(folder.path, 'elsewhere');
    await mkdir(elsewhere);
    await writeFile(join(elsewhere, 'real.yaml'), 'one');
    await symlink(join(elsewhere, 'real.yaml'), join(folder.path, 'linked.yaml'));
    watch([join(folder.path, 'linked.yaml')]);
    await writeFile(join(elsewhere, 'real.yaml'), 'two');
    clock.advance(LOOK_MS);
    clock.advance(REST_MS);
    expect(changes).toBe(1);
  });
});

describe('does not wait for', () => {
  test('a FIFO that took the place of a file, nor read a device without end', async () => {
    watch();
    await rm(file);
    execFileSync(MAKE_FIFO, [file]);
    await noticed();
    clock.advance(REST_MS);
    expect(changes).toBe(1);
    await rm(file);
    await symlink('/dev/zero', file);
    clock.advance(LOOK_MS);
    clock.advance(REST_MS);
    expect(changes).toBe(1); // as little a file as before
    await rm(file);
    await writeFile(file, 'targets: [c]\n');
    clock.advance(LOOK_MS);
    clock.advance(REST_MS);
    expect(changes).toBe(2);
  });
});

describe('says nothing of', () => {
  test('a file that is still being written, until it rests', async () => {
    watch();
    await writeFile(file, 'targets: [a, ');
    await noticed();
    clock.advance(500);
    await writeFile(file, 'targets: [a, b]\n');
    clock.advance(500);
    expect(changes).toBe(0);
    clock.advance(REST_MS);
    expect(changes).toBe(1);
  });

  test('one that is written back to what it was', async () => {
    watch();
    await writeFile(file, 'targets: [b]\n');
    await noticed();
    await writeFile(file, 'targets: [a]\n');
    clock.advance(REST_MS);
    clock.advance(LOOK_MS);
    expect(changes).toBe(0);
  });

  test('another file of the folder', async () => {
    watch();
    await writeFile(join(folder.path, 'gatewatch.db'), 'x');
    clock.advance(LOOK_MS);
    clock.advance(REST_MS);
    expect(changes).toBe(0);
  });

  test('anything after the end', async () => {
    watch();
    watching[Symbol.dispose]();
    await writeFile(file, 'targets: [b]\n');
    clock.advance(LOOK_MS + REST_MS);
    expect(changes).toBe(0);
    expect(clock.timers).toBe(0);
  });
});
