// Intervals beyond what one timer can wait: setTimeout fires after 1 ms above 2^31-1 ms (threats M13, X20).

import { expect, test, vi } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { outpostsOf } from '../../../src/schedule/outpost.ts';
import { plan } from '../../../src/schedule/plan.ts';
import { createRequestBudgets } from '../../../src/schedule/request-budget.ts';
import { createScheduler } from '../../../src/schedule/scheduler.ts';
import { createSessionBudgets } from '../../../src/schedule/session-budget.ts';
import { plannedSite } from '../../support/planned-site.ts';

const DAY = 86_400_000;

test.each(['30d', '25d'])('every: %s runs once, and on the real clock not before its time', async (every) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  try {
    const site = plannedSite({
      targets: Array.from(
        { length: 10 },
        (_, index) =>
          `  - { url: "https://a${index}.example.com", expect: app, paths: [origin], every: ${every} }`,
      ),
      more: 'canaries: none',
    });
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const everyMs = Number.parseInt(every, 10) * DAY;
    const runs: number[] = [];
    const levels = { clock: systemClock, saved: null, save: () => {} };
    const scheduler = createScheduler({
      clock: systemClock,
      random: () => 0.5,
      run: async () => void runs.push(performance.now()),
      idle: () => null,
      sessions: createSessionBudgets({ outposts: outpostsOf(site), ...levels }),
      requests: createRequestBudgets({ paths: site.paths, ...levels }),
      concurrency: 10,
      observe: { lag: () => {}, skipped: () => {} },
    });
    scheduler.replace(plan(site));
    const start = performance.now();
    scheduler.start();
    const spread = everyMs / 10;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(runs.length).toBeLessThanOrEqual(1); // at most the one whose phase falls into this very minute
    await vi.advanceTimersByTimeAsync(everyMs - 60_000);
    expect(runs).toHaveLength(10);
    for (const [index, at] of runs.entries())
      if (index > 0) expect(Math.abs(at - (runs[index - 1] ?? 0) - spread)).toBeLessThan(1_000);
    // One timer at a time, none of them longer than a timer can be: no polling, no overflow.
    expect(timers.mock.calls.length).toBeLessThan(40);
    for (const [, ms] of timers.mock.calls) expect(ms).toBeLessThan(2 ** 31);
    expect(performance.now() - start).toBe(everyMs);
    await scheduler.stop(0);
  } finally {
    vi.useRealTimers();
    vi.restoreAllMocks();
  }
});

test('a wait longer than one timer is chained, and can be cancelled at any link', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  try {
    const ended: string[] = [];
    systemClock.after(60 * DAY, () => ended.push('sixty days'));
    const cancel = systemClock.after(60 * DAY, () => ended.push('cancelled'));
    await vi.advanceTimersByTimeAsync(60 * DAY - 1_000);
    expect(ended).toEqual([]);
    cancel();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(ended).toEqual(['sixty days']);
  } finally {
    vi.useRealTimers();
  }
});
