// Every server of the hostile table gets its verdict and the right signature within the check's time-out.

import { beforeAll, describe, expect, test } from 'vitest';
import { toEvidence } from '../../../src/model/evidence.ts';
import type { ProbeResult } from '../../../src/model/result.ts';
import type { HostileServer } from '../../support/hostile-answer.ts';
import { createHostileKit, finding, type HostileKit, pathTo } from '../../support/hostile-kit.ts';
import { HOSTILE_SERVERS, startHostile } from '../../support/hostile-servers.ts';
import type { Identity } from '../../support/origin.ts';

/** For servers that end at once the time-out is out of the way; the others wait it out. */
const AMPLE_MS = 20_000;
const SHORT_MS = 1_000;
/** A busy machine may be this late; the point is that nothing waits for ever. */
const SLACK_MS = 10_000;
/** Servers visited at once. */
const AT_ONCE = 16;

// C0, DEL, C1, separators, bidi and zero-width characters.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

interface Seen {
  readonly open: ProbeResult;
  readonly guarded: ProbeResult;
}

const seen = new Map<HostileServer, Seen>();

beforeAll(async () => {
  const kit = await createHostileKit();
  const identity = await kit.authority.issue(['app.site.test']);
  // Those that wait first, so that they wait together.
  const queue = [...HOSTILE_SERVERS].sort((a, b) => Number(b.slow) - Number(a.slow));
  const work = async (): Promise<void> => {
    for (let row = queue.shift(); row !== undefined; row = queue.shift())
      seen.set(row, await visit(kit, row, identity));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}, 120_000);

async function visit(kit: HostileKit, row: HostileServer, identity: Identity): Promise<Seen> {
  await using server = await startHostile(row, identity);
  const over = { path: pathTo(row, server.address), timeoutMs: row.slow ? SHORT_MS : AMPLE_MS };
  const url = `${row.scheme}://app.site.test/`;
  const [open, guarded] = await Promise.all([
    kit.visit(url, { ...over, is: 'public' }),
    kit.visit(url, { ...over, is: 'login' }),
  ]);
  return { open, guarded };
}

/** All texts that people or programs get of a result. */
function texts(result: ProbeResult): string[] {
  const found: string[] = [];
  const shown = { evidence: result.observation.exchanges.map(toEvidence), judgement: result.judgement };
  JSON.stringify(shown, (key, value: unknown) => {
    found.push(key);
    if (typeof value === 'string' && key !== 'authorizeUrl') found.push(value);
    return value;
  });
  return found;
}

describe('a hostile server', () => {
  const rows = HOSTILE_SERVERS.map((row) => [`HTTP/${row.http}, ${row.name}`, row] as const);
  test.each(rows)('%s', (_name, row) => {
    const { open, guarded } = seen.get(row)!;
    expect([finding(open), finding(guarded)]).toEqual([row.public, row.login]);
    for (const result of [open, guarded]) {
      expect(result.observation.durationMs).toBeLessThan((row.slow ? SHORT_MS : AMPLE_MS) + SLACK_MS);
      expect(texts(result).filter((text) => UNSAFE.test(text) || text.length > 300)).toEqual([]);
    }
  });
});

test('the table holds what the world has, and each server once', () => {
  const names = HOSTILE_SERVERS.map((row) => `${row.http} ${row.name}`);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThan(250);
});

test('no foreign name has got into the prototypes', () => {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as Record<string, unknown>)['a']).toBeUndefined();
});
