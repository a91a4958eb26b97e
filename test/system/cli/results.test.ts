// `gatewatch results` as a process: what the store remembers, while the daemon runs and after it.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type CliSite,
  type Finished,
  gatewatch,
  startCliSite,
  startGatewatch,
  untilUp,
} from '../../support/cli-site.ts';
import type { Program } from '../../support/program.ts';

let lab: CliSite;
let daemon: Program;
beforeAll(async () => {
  lab = await startCliSite();
  await lab.write();
  daemon = startGatewatch(['run'], lab.folder);
  await daemon.says('watching');
  await untilUp(lab.url);
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

const results = (...args: string[]): Promise<Finished> =>
  gatewatch(['results', ...args], { cwd: lab.folder });

interface Row {
  readonly check: string;
  readonly target: string | null;
  readonly verdict: string;
  readonly at: number;
}
const rows = async (...args: string[]): Promise<Row[]> =>
  JSON.parse((await results('--json', ...args)).stdout) as Row[];

describe('beside a running daemon', () => {
  test('lists the newest first, a line each, without colour codes', async () => {
    const { code, stdout } = await results('--limit', '5');
    const lines = stdout.trim().split('\n');
    expect(code).toBe(0);
    expect(lines).toHaveLength(5);
    for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}\S+:\S+ /);
    // By the time that is shown: ids count by the end of a probe.
    const times = (await rows('--limit', '50')).map((row) => row.at);
    expect(times.length).toBeGreaterThan(5);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    expect(stdout).not.toMatch(/\u001b/);
  });

  test('filters by check, target, verdict and time', async () => {
    const host = new URL(lab.service('photos.casa.test')).host;
    const check = `fresh:origin:${host}`;
    const byCheck = await rows('--check', check);
    expect(byCheck.length).toBeGreaterThan(0);
    expect(new Set(byCheck.map((row) => row.check))).toEqual(new Set([check]));
    const byTarget = await rows('--target', host);
    expect(byTarget.length).toBeGreaterThan(byCheck.length);
    expect(byTarget.every((row) => row.check.endsWith(host))).toBe(true);
    expect(await rows('--check', check, '--verdict', 'down')).toEqual([]);
    expect(
      (await rows('--verdict', 'up', '--since', '1h', '--limit', '3')).map((row) => row.verdict),
    ).toEqual(['up', 'up', 'up']);
  });

  test('refuses what it does not understand with 2', async () => {
    for (const args of [
      ['--verdict', 'sideways'],
      ['--limit', '0'],
      ['--limit', '1001'],
      ['--since', 'yesterday'],
      ['photos'],
    ]) {
      const { code, stderr } = await results(...args);
      expect({ args, code }).toEqual({ args, code: 2 });
      expect(stderr).toContain('usage: gatewatch results');
    }
  });
});

test('answers when the daemon is gone, and says so when there never was one', async () => {
  expect(await daemon.end()).toBe(0);
  expect((await rows('--limit', '2')).length).toBe(2);
  await lab.write({ store: { file: `${lab.folder}/never.db` } }, 'never.yaml');
  const { code, stderr } = await results('--config', 'never.yaml');
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining(`no store at ${lab.folder}/never.db`),
  });
});
