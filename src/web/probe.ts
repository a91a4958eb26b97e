// `GET /probe`: one probe for whoever asks, after blackbox_exporter's contract, within our budgets (DESIGN 8, threats
// N3). A probe that fails is 200 with probe_success 0; 400 is a wrong question; 503 means that nothing was probed.

import type { Context } from 'hono';
import { evidenceText } from '../model/text.ts';
import type { WebEnv } from './guard.ts';
import { parseProbeQuery } from './probe-query.ts';
import { EXPOSITION, probeDebug, probeMetrics } from './probe-text.ts';
import type { Actions, Reads } from './reads.ts';

/** Requests that wait for a probe at the same time, at most. */
const CONCURRENCY = 10;

/** The handler. */
export function createProbeDoor(tools: {
  readonly reads: Pick<Reads, 'snapshot'>;
  readonly actions: Pick<Actions, 'probe'>;
}): (c: Context<WebEnv>) => Promise<Response> {
  let waiting = 0;
  return async (c) => {
    if (waiting >= CONCURRENCY) return c.text(`${CONCURRENCY} probes are under way already.\n`, 503);
    waiting += 1;
    try {
      const timeout = c.req.header('x-prometheus-scrape-timeout-seconds') ?? null;
      const { searchParams } = new URL(c.req.url);
      const query = parseProbeQuery(searchParams, timeout, tools.reads.snapshot().targets);
      if (typeof query === 'string') return c.text(`${query}\n`, 400);
      const outcome = await tools.actions.probe(query.wish);
      if (outcome.kind === 'not-run') return c.text(`Not probed: ${evidenceText(outcome.why)}.\n`, 503);
      if (query.debug) return c.text(await probeDebug(outcome));
      return c.body(await probeMetrics(outcome), 200, EXPOSITION);
    } finally {
      waiting -= 1;
    }
  };
}
