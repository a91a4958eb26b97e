// SIGKILL at every durable step and at random moments of an incident that opens, grows and ends: whatever the moment,
// the next process goes on with the same incident, and receivers and the site see one story (threats X1, X2, X8, X9).

import { spawnSync } from 'node:child_process';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { REPOSITORY } from '../readme-tables.ts';
import { type CrashSite, crashSite, type KillAt, type Life } from '../support/crash-run.ts';
import { seeded } from '../support/simulator.ts';
import { tempFolder } from '../support/temp-folder.ts';

const TICKS = 44;
const TICK_MS = 6_000;
const BUDGET = { perMinute: 6, capacity: 8 };
/** Lives at a time. */
const LANES = 2;
/** Kills at random moments in all, and how many of them one life gets at most. */
const RANDOM_KILLS = 200;
const KILLS_A_LIFE = 10;
/** Longest time until a kill, as a part of what a whole life takes here: machines differ by a factor of five. */
const LONGEST_RUN_RATIO = 0.6;

const stack = new AsyncDisposableStack();
let root: string;
let child: string;
let whole: Life;
let wholeMs: number;

beforeAll(async () => {
  root = stack.use(await tempFolder('crash')).path;
  child = await compiledChild();
  await using site = await startSite('whole', false);
  const startedAt = performance.now();
  expect(await site.run(null)).toBe(true);
  wholeMs = performance.now() - startedAt;
  whole = site.life();
}, 240_000);
afterAll(() => stack.disposeAsync());

/** Compiled, a process starts twice as fast; types are checked elsewhere. */
async function compiledChild(): Promise<string> {
  const out = join(root, 'out');
  const options = { outDir: out, rootDir: REPOSITORY, noCheck: true, types: [] };
  await writeFile(
    join(root, 'tsconfig.json'),
    JSON.stringify({
      extends: join(REPOSITORY, 'tsconfig.build.json'),
      compilerOptions: options,
      include: [join(REPOSITORY, 'src'), join(REPOSITORY, 'test/support/child-crash.ts')],
    }),
  );
  const built = spawnSync('npx', ['tsc', '-p', join(root, 'tsconfig.json')], {
    cwd: REPOSITORY,
    encoding: 'utf8',
  });
  await cp(join(REPOSITORY, 'src/store/migrations'), join(out, 'src/store/migrations'), { recursive: true });
  await cp(join(REPOSITORY, 'package.json'), join(out, 'package.json'));
  await symlink(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'));
  expect(built.status, built.stdout).toBe(0);
  return join(out, 'test/support/child-crash.js');
}

async function startSite(name: string, thread: boolean): Promise<CrashSite> {
  const folder = join(root, name);
  await mkdir(folder);
  return crashSite(child, { folder, ticks: TICKS, thread, budget: BUDGET });
}

/** Calls `run` with each item, a few at a time. */
async function inLanes<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const lane = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await run(item);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** What must hold of a life with `kills` kills. */
function expectOneStory(life: Life, kills: number, when: string): void {
  const one = whole.incidents[0]!;
  expect(
    life.incidents.map(({ state, kind, blame, labels }) => ({ state, kind, blame, labels })),
    `incidents, ${when}`,
  ).toEqual([{ state: 'resolved', kind: one.kind, blame: one.blame, labels: one.labels }]);
  for (const receiver of ['am', 'hook']) {
    const told = life.told.filter((each) => each.receiver === receiver);
    expect(new Set(told.map(({ labels }) => labels)).size, `label sets at ${receiver}, ${when}`).toBe(1);
    expect(new Set(told.map(({ startsAt }) => startsAt)).size, `starts at ${receiver}, ${when}`).toBe(1);
    const story = told.map(({ status }) => status).filter((status, at, all) => status !== all[at - 1]);
    expect(story, `story at ${receiver}, ${when}`).toEqual(['firing', 'resolved']);
  }
  const keys = life.told.filter(({ receiver }) => receiver === 'hook').map(({ identity }) => identity);
  const expected = whole.told.filter(({ receiver }) => receiver === 'hook');
  expect(new Set(keys).size, `different deliveries, ${when}`).toBe(expected.length);
  expect(keys.length - new Set(keys).size, `repeated deliveries, ${when}`).toBeLessThanOrEqual(kills);
  const lost = life.ledger
    .flatMap(({ committed }) => committed ?? [])
    .filter((id) => !life.resultIds.has(id));
  expect(lost, `committed results that are lost, ${when}`).toEqual([]);
  const sessions = life.ledger.filter(({ session }) => session !== undefined).length;
  const allowed = BUDGET.capacity + (BUDGET.perMinute * TICKS * TICK_MS) / 60_000;
  expect(sessions, `sessions, ${when}`).toBeLessThanOrEqual(allowed);
}

test('without a kill the incident opens, grows, and ends, and each receiver is told so once', () => {
  expectOneStory(whole, 0, 'unkilled');
  expect(whole.incidents[0]?.targets).toHaveLength(4);
  expect(whole.ledger.at(-1)?.jobs).toBeGreaterThan(40);
});

describe('SIGKILL', () => {
  test('before and after every job of the store, and every request to a receiver', {
    timeout: 900_000,
  }, async () => {
    const count = (length: number): number[] => Array.from({ length }, (_, index) => index + 1);
    const jobs = count(whole.ledger.at(-1)?.jobs ?? 0);
    const kills: KillAt[] = (['before', 'after'] as const).flatMap((when) => [
      ...jobs.map((job) => ({ job, when })),
      ...count(whole.requests).map((request) => ({ request, when })),
    ]);
    let killed = 0;
    await inLanes(kills, async (killAt) => {
      const when = JSON.stringify(killAt);
      await using site = await startSite(when, false);
      // The last answers may find the process at its end already.
      if (!(await site.run(killAt))) {
        killed += 1;
        expect(await site.run(null), when).toBe(true);
      }
      expectOneStory(site.life(), 1, when);
    });
    expect(killed).toBeGreaterThan(kills.length * 0.9);
  });

  test('at 200 random moments, at most ten in the life of one incident', { timeout: 900_000 }, async () => {
    const random = seeded(20_260_418);
    let killed = 0;
    let lives = 0;
    const lane = async (): Promise<void> => {
      while (killed < RANDOM_KILLS) {
        lives += 1;
        const life = lives;
        await using site = await startSite(`random-${life}`, true);
        let kills = 0;
        while (kills < KILLS_A_LIFE && !(await site.run(null, random() * LONGEST_RUN_RATIO * wholeMs)))
          kills += 1;
        await site.run(null);
        killed += kills;
        expectOneStory(site.life(), kills, `life ${life} with ${kills} kills`);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  });
});
