// Child process of the crash tests: correlator, dispatcher, budgets and the real store work through one incident of a
// made-up site on a virtual clock. What it did is in a ledger beside the store, written before the next step, so that
// the next process goes on where this one was killed.

import { channel } from 'node:diagnostics_channel';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { silentLog } from '../../src/base/log.ts';
import { createCorrelator } from '../../src/correlate/correlator.ts';
import type { Subject } from '../../src/model/check.ts';
import { createDispatcher } from '../../src/notify/dispatcher.ts';
import { receiverSchema } from '../../src/notify/receivers.ts';
import { createBlame } from '../../src/pipeline.ts';
import { createSessionBudgets } from '../../src/schedule/session-budget.ts';
import type { Job } from '../../src/store/job.ts';
import { openStore } from '../../src/store/store.ts';
import { type StartWriter, threadStarter } from '../../src/store/writer.ts';
import { alertContext } from './alert-context.ts';
import type { CrashPlan, LedgerLine } from './crash-run.ts';
import { inlineWriter } from './inline-writer.ts';
import { probeResult } from './probe-result.ts';
import { simulatedClock } from './simulated-clock.ts';
import { componentFault, EPOCH, siteSubjects, UP } from './simulator.ts';

const TICK_MS = 6_000;
/** Every subject is probed so often, ticks. */
const EVERY = 2;
/** When the gate is gone, ticks; one target shows it later than the others. */
const FAULT = { from: 3, spread: 10, until: 15 };
const OUTPOST = 'embedded';

const plan = JSON.parse(process.argv[2] ?? '') as CrashPlan;
const ledgerFile = join(plan.folder, 'ledger');
const note = (line: LedgerLine): void => appendFileSync(ledgerFile, `${JSON.stringify(line)}\n`);
const noted: LedgerLine[] = existsSync(ledgerFile)
  ? readFileSync(ledgerFile, 'utf8')
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line))
  : [];
const startTick = 1 + Math.max(0, ...noted.map((line) => line.tick ?? 0));

/** Counts jobs, notes what is on disk, and dies at the planned one. */
function deadly(start: StartWriter): StartWriter {
  let jobs = 0;
  const maybeDie = (when: 'before' | 'after'): void => {
    if (plan.killAt?.job === jobs && plan.killAt.when === when) process.kill(process.pid, 'SIGKILL');
  };
  return (options, listener) => {
    let current: Job | null = null;
    const writer = start(options, {
      answered(answer) {
        if (current?.kind === 'results' && answer.error === null && answer.fresh === null)
          note({ committed: current.batch.map(({ id }) => id) });
        maybeDie('after');
        listener.answered(answer);
      },
      died: listener.died,
    });
    return {
      send(job) {
        jobs += 1;
        current = job;
        maybeDie('before');
        writer.send(job);
      },
      end(left, limitMs) {
        note({ jobs });
        return writer.end(left, limitMs);
      },
    };
  };
}

let calls = 0;
channel('undici:request:create').subscribe(() => {
  calls += 1;
});
for (const end of ['undici:request:trailers', 'undici:request:error'])
  channel(end).subscribe(() => {
    calls -= 1;
  });

const clock = simulatedClock(EPOCH + startTick * TICK_MS);
const store = openStore({
  file: join(plan.folder, 'gatewatch.db'),
  clock,
  log: silentLog(),
  resultsMs: 1e9,
  rollupsMs: 1e9,
  maxBytes: 2 ** 30,
  startWriter: deadly(plan.thread ? threadStarter() : inlineWriter),
});
const subjects = siteSubjects({
  login: 4,
  open: 2,
  controls: 2,
  nodes: 2,
  every: { cdn: 12_000, origin: 12_000 },
});
const fault = componentFault('gate:embedded', { from: 0, until: Number.MAX_SAFE_INTEGER });
const correlator = createCorrelator({
  subjects,
  vantage: 'vps',
  startupGraceMs: 0,
  seenUp: () => true,
  hasControls: true,
  checkpoint: store.state.get('correlator'),
  random: () => 0.5,
  startedAt: { at: clock.now(), monotonicMs: clock.monotonic() },
});
const dispatcher = createDispatcher({
  clock,
  log: silentLog(),
  random: () => 0.5,
  store,
  settled: () => store.settled(),
  context: alertContext(),
  receivers: [
    receiverSchema.parse({ name: 'am', kind: 'alertmanager', urls: [`${plan.receivers}/am`] }),
    receiverSchema.parse({ name: 'hook', kind: 'webhook', url: `${plan.receivers}/hook` }),
  ],
  watchdog: false,
  userAgent: 'gatewatch/test',
  ca: [],
  observe: { delivered: () => {}, failed: () => {}, queue: () => {} },
  problem: () => {},
});
const sessions = createSessionBudgets({
  outposts: [
    {
      name: OUTPOST,
      gates: [],
      store: 'files',
      lifetimeMs: 3_600_000,
      storeSessions: null,
      targets: [],
      visits: 8,
      wantedPerMinute: 40,
      allowedPerMinute: plan.budget.perMinute,
      capacity: plan.budget.capacity,
    },
  ],
  clock,
  saved: store.state.get('session-budgets'),
  save: (text) => store.state.put('session-budgets', text),
});
const wanted = new Set<string>();
const blame = createBlame({
  clock,
  correlator,
  record: (events) => dispatcher.record(events, () => store.state.put('correlator', correlator.checkpoint())),
  want: (all) => {
    for (const { check } of all) wanted.add(check);
  },
});

/** One probe of the made-up site. */
async function probe(subject: Subject, tick: number, extra: boolean): Promise<void> {
  if (subject.kind === 'visit' && subject.costsSession) {
    if (!sessions.take(OUTPOST)) return;
    await store.settled('state');
    note({ session: tick });
  }
  const isLate = subject.kind === 'visit' && subject.target.host.startsWith('app3.');
  const isFaulty = tick >= (isLate ? FAULT.spread : FAULT.from) && tick < FAULT.until;
  const showing = (isFaulty ? fault.show(subject, () => 0) : null) ?? UP;
  const { verdict, signature } = showing;
  const plain = probeResult({ at: clock.now(), verdict, signature, extra, reason: showing.verdict });
  const result = { ...plain, subject, monotonicMs: clock.monotonic() };
  result.judgement = { ...plain.judgement, pointsAt: showing.pointsAt };
  store.results.insert(result);
  blame.accept(result);
}

/** Lets everything that was begun come to its end before the virtual clock goes on. */
async function quiet(): Promise<void> {
  for (let still = 0; still < 3; still += 1) {
    await store.settled('state');
    await nextTurn();
    if (calls > 0) still = -1;
  }
}

blame.replace(subjects);
dispatcher.start();
for (let tick = startTick; tick <= plan.ticks; tick += 1) {
  await clock.pass(TICK_MS);
  // Another one first each time, so that tokens go round.
  const first = (tick * 5) % subjects.length;
  const due = [...subjects.slice(first), ...subjects.slice(0, first)].filter(
    (subject) => (tick + subjects.indexOf(subject)) % EVERY === 0 || wanted.has(subject.id),
  );
  for (const subject of due) await probe(subject, tick, wanted.delete(subject.id));
  await quiet();
  note({ tick });
}
blame.stop();
const stopped = dispatcher.stop({ hold: false });
await quiet();
await stopped;
store[Symbol.dispose]();
