// `gatewatch account resume` as a process: a person's word for the daemon of the same store.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type CliSite,
  type Finished,
  gatewatch,
  startCliSite,
  startGatewatch,
} from '../../support/cli-site.ts';
import type { Program } from '../../support/program.ts';

let lab: CliSite;
beforeAll(async () => {
  lab = await startCliSite();
  await lab.write({ accounts: [{ name: 'monitor', username: 'probe', password: 'geheim-probe' }] });
});
afterAll(() => lab[Symbol.asyncDispose]());

const account = (...args: string[]): Promise<Finished> =>
  gatewatch(['account', ...args], { cwd: lab.folder });

describe('account resume', () => {
  test.each([
    [[], 'say: gatewatch account resume NAME'],
    [['stop', 'monitor'], 'say: gatewatch account resume NAME'],
    [['resume', 'nobody'], 'no account nobody in the configuration'],
    [['resume', 'monitor'], 'no daemon has run with this store: nothing is stopped'],
  ])('%j is refused: %s', async (args, why) => {
    const { code, stderr } = await account(...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(why)]);
  });

  test('is heard beside a running daemon', async () => {
    await using daemon: Program = startGatewatch(['run'], lab.folder);
    await daemon.says('watching');
    expect(await account('resume', 'monitor')).toMatchObject({
      code: 0,
      stdout: 'the account monitor may log in again; a running daemon hears of it within seconds\n',
    });
  });
});
