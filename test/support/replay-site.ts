// A configured site and results of it as the store gives them back, for tests of replay.

import { stringify } from 'yaml';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Subject } from '../../src/model/check.ts';
import type { PastResult } from '../../src/model/result.ts';
import type { Knowledge } from '../../src/model/verdict.ts';
import { type Replayed, replayPast } from '../../src/replay.ts';
import { plan } from '../../src/schedule/plan.ts';
import type { PastQuery } from '../../src/store/past.ts';
import { EPOCH, type Showing, Simulator, type SimulatorOptions } from './simulator.ts';

/** Everything was seen healthy once. */
const LEARNED: Knowledge = {
  get(kind, key) {
    if (kind === 'certificate') return { value: '*.example.com', at: EPOCH };
    if (kind === 'authorize')
      return { value: `https://auth.example.com/application/o/authorize/?client_id=${key}`, at: EPOCH };
    return kind === 'seen-up' || kind === 'canary' ? { value: 'yes', at: EPOCH } : null;
  },
};

/** The configuration of a site of so many targets behind a gate, and public ones. */
export function replayConfig(
  keys: Record<string, unknown> = {},
  { login = 6, open = 3 }: { login?: number; open?: number } = {},
): Config {
  const names = (count: number, name: string) =>
    Array.from({ length: count }, (_, at) => ({
      url: `https://${name}${at}.example.com`,
      labels: { node: `node${at % 3}` },
      ...(name === 'open' ? { expect: 'public' } : {}),
    }));
  const text = stringify({
    vantage: 'vps',
    gates: [{ name: 'authentik', url: 'https://auth.example.com', outpost: 'embedded' }],
    paths: [
      { name: 'cdn', kind: 'cdn', resolver: '1.1.1.1' },
      { name: 'origin', kind: 'origin', address: '203.0.113.10:443' },
    ],
    defaults: { gate: 'authentik', paths: ['cdn', 'origin'] },
    targets: [...names(login, 'app'), ...names(open, 'open')],
    control: ['https://control0.test', 'https://control1.test', 'https://control2.test'],
    ...keys,
  });
  return loadConfig({ text, name: 'test' }, {}).config;
}

function subjectsOf(config: Config): readonly Subject[] {
  return plan({ ...config, knowledge: LEARNED });
}

export interface Recorded {
  readonly simulator: Simulator;
  /** All that was probed, in the order it came in. */
  readonly results: readonly PastResult[];
}

/** Runs a simulated site for `ms` and keeps what the daemon would have stored. */
export function record(config: Config, options: Omit<SimulatorOptions, 'subjects'>, ms: number): Recorded {
  const subjects = subjectsOf(config);
  const simulator = new Simulator({ ...options, subjects });
  const results: PastResult[] = [];
  const accept = simulator.correlator.accept.bind(simulator.correlator);
  simulator.correlator.accept = (outcome) => {
    const { check, at, monotonicMs, begunMs = monotonicMs, verdict, signature, pointsAt, extra } = outcome;
    const id = at * 1024 + results.length;
    const durationMs = monotonicMs - begunMs;
    const target = check.slice(check.lastIndexOf(':') + 1);
    const kind = check.startsWith('canary:') ? 'canary' : 'visit';
    results.push({ id, at, check, kind, target, verdict, signature, pointsAt, durationMs, extra });
    accept(outcome);
  };
  simulator.run(ms);
  return { simulator, results };
}

/** One result by hand. */
export function pastResult(
  check: string,
  at: number,
  showing: Showing = { verdict: 'up', signature: null, pointsAt: [] },
): PastResult {
  const { verdict, signature, pointsAt } = showing;
  const target = check.slice(check.lastIndexOf(':') + 1);
  return {
    ...{ id: at * 1024, at, check, kind: 'visit', target, verdict, pointsAt },
    signature: signature as PastResult['signature'],
    ...{ durationMs: 200, extra: false },
  };
}

/** Replays results under configurations, in pages of any size. */
export function replayResults(
  results: readonly PastResult[],
  configs: readonly Config[],
  { page = 1000, since = 0, until = 1e15 }: { page?: number; since?: number; until?: number } = {},
): Promise<Replayed[]> {
  const past = (query: PastQuery) =>
    results
      .filter(({ id, at }) => id > query.after && at >= query.since && at < query.until)
      .slice(0, query.limit);
  return replayPast(past, { configs, knowledge: LEARNED, since, until, page, after: async () => {} });
}
