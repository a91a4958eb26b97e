// Every name server of the hostile table: the verdict, the signature, and that nothing forbidden is dialled.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHostileKit, finding, type HostileKit } from '../../support/hostile-kit.ts';
import { HOSTILE_NAMES, startHostileNames } from '../../support/hostile-names.ts';
import { type Origin, startOrigin } from '../../support/origin.ts';
import { cdnPath } from '../probe/probe-kit.ts';

const AMPLE_MS = 20_000;
const SHORT_MS = 1_000;
const SLACK_MS = 10_000;

let kit: HostileKit;
let origin: Origin;

beforeAll(async () => {
  kit = await createHostileKit();
  origin = await startOrigin({
    identity: await kit.authority.issue(['app.site.test']),
    respond: (_request, response) => response.end('ok'),
  });
});

afterAll(() => origin[Symbol.asyncDispose]());

describe.concurrent('a name server that answers', () => {
  test.each(HOSTILE_NAMES.map((row) => [row.name, row] as const))('%s', async (_name, row) => {
    await using names = await startHostileNames(row.reply);
    const proof = { header: null, absent: null };
    const path = cdnPath(0, { resolver: [names.at], private: row.private, proof });
    const over = { path, timeoutMs: row.slow ? SHORT_MS : AMPLE_MS };
    const url = `https://app.site.test:${origin.port}/`;
    const [open, guarded] = await Promise.all([
      kit.visit(url, { ...over, is: 'public' }),
      kit.visit(url, { ...over, is: 'login' }),
    ]);
    expect([finding(open), finding(guarded)]).toEqual([row.public, row.login]);
    for (const { observation } of [open, guarded]) {
      expect(observation.durationMs).toBeLessThan(over.timeoutMs + SLACK_MS);
      const dialled = observation.exchanges.map((one) => one.remote?.address ?? null);
      expect(dialled).toEqual([row.public === 'up' ? '127.0.0.1' : null]);
    }
  });
});
