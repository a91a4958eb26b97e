// A hostile app below the same domain as its neighbours: whatever cookies it sets, they keep their cookie and their
// verdict, and no session budget is spent on it (threats K1 to K3).

import type { ServerResponse } from 'node:http';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { createClassifier } from '../../../src/classify/classifier.ts';
import type { Check } from '../../../src/model/check.ts';
import type { Judgement } from '../../../src/model/verdict.ts';
import { createStrangers } from '../../../src/schedule/strangers.ts';
import { type Origin, startOrigin } from '../../support/origin.ts';
import { nothingKnown } from '../../support/planned-site.ts';
import { probeResult } from '../../support/probe-result.ts';
import { check, createKit, gate, type Kit, path } from './probe-kit.ts';

const OWN = gate({ clients: ['abc'], callback: 'auth.site.test' });
/** authentik_proxy_ and the first 8 hex characters of sha256('abc'). */
const COOKIE = 'authentik_proxy_ba7816bf';
const AUTHORIZE =
  'https://auth.site.test/application/o/authorize/?client_id=abc&redirect_uri=https%3A%2F%2Fauth.site.test%2Foutpost.goauthentik.io%2Fcallback&response_type=code&state=s';
const SECURE = 'Path=/; HttpOnly; Secure; Max-Age=3600';

let kit: Kit;
let identity: { certPem: string; keyPem: string };
let wanted: string[];
let refunds: number;
let strangers: ReturnType<typeof createStrangers>;

beforeAll(async () => {
  kit = await createKit();
  identity = await kit.authority.issue(['*.site.test']);
});
beforeEach(() => {
  wanted = [];
  refunds = 0;
  strangers = createStrangers({
    clock: systemClock,
    jars: kit.jars,
    sessions: {
      refund: () => {
        refunds += 1;
      },
      charge: () => {},
      mark: () => {},
      unmark: () => {},
      isMarked: () => false,
    },
    save: () => {},
  });
});

/** Probes, judges and settles, as the corridor does. */
async function visit(one: Check): Promise<Judgement> {
  const observation = await kit.run(one);
  const { classify } = createClassifier({
    gates: [OWN],
    paths: [one.path],
    signatures: [],
    knowledge: nothingKnown,
    certificateWarnMs: 0,
  });
  const judgement = classify(one, observation, systemClock.now());
  strangers.settle({ ...probeResult({ at: 0 }), subject: one, observation, judgement }, (id) =>
    wanted.push(id),
  );
  return judgement;
}

const visits = (host: string, origin: Origin) => {
  const over = { path: path(origin.address), gate: OWN };
  return {
    fresh: () => visit(check(`https://${host}.site.test/`, { ...over, visit: 'fresh' })),
    return: () => visit(check(`https://${host}.site.test/`, { ...over, visit: 'return' })),
  };
};

/** The neighbours stand behind the gate; what `hostile` answers is up to the case. */
const start = (hostile: (response: ServerResponse) => void): Promise<Origin> =>
  startOrigin({
    identity,
    respond: (request, response) => {
      if (request.headers.host?.startsWith('evil') === true) return hostile(response);
      const isKnown = request.headers.cookie?.includes(`${COOKIE}=good`) === true;
      response.writeHead(302, {
        location: AUTHORIZE,
        ...(isKnown ? {} : { 'set-cookie': `${COOKIE}=good; Domain=site.test; ${SECURE}` }),
      });
      response.end();
    },
  });

const answers: [what: string, status: number, cookies: readonly string[], location?: string][] = [
  ['forges a hand-over that deletes it', 302, [`${COOKIE}=; Domain=site.test; Path=/; Max-Age=0`], AUTHORIZE],
  ['deletes it', 200, [`${COOKIE}=; Domain=site.test; Path=/; Max-Age=0`]],
  ['overwrites it', 200, [`${COOKIE}=evil; Domain=site.test; ${SECURE}`]],
  ['shadows it on its own host', 200, [`${COOKIE}=evil; ${SECURE}`]],
  ['shadows it below a pathname', 200, [`${COOKIE}=evil; Domain=site.test; Path=/deep; Secure`]],
  ['deletes it and sends to another login', 302, [`${COOKIE}=; Domain=site.test; Path=/; Max-Age=0`]],
  [
    'sets five thousand',
    200,
    Array.from({ length: 60 }, (_, index) => `authentik_proxy_${index}=x; Domain=site.test`),
  ],
];

test.each(answers)(
  'a sibling that %s changes nothing for its neighbour',
  async (_what, status, cookies, location) => {
    await using origin = await start((response) => {
      response.writeHead(status, {
        'set-cookie': [...cookies],
        ...(status === 302
          ? { location: location ?? 'https://login.example.org/authorize?client_id=abc' }
          : {}),
      });
      response.end('an app');
    });
    kit.jars.restore('{}');
    const neighbour = visits('app', origin);
    const evil = visits('evil', origin);
    expect((await neighbour.fresh()).handover).not.toBeNull();
    const kept = kit.jars.header(OWN, 'https://app.site.test/');
    expect(kept).toBe(`${COOKIE}=good`);
    await neighbour.return();
    for (let round = 0; round < 3; round += 1) {
      await evil.fresh();
      await evil.return();
      expect(await neighbour.return()).toMatchObject({ verdict: 'up', cookieLost: false });
    }
    expect(kit.jars.header(OWN, 'https://app.site.test/')).toBe(kept);
    expect(wanted).toEqual([]);
  },
);

test('a request for which cookies had to be left out is not made, and is our own fault', async () => {
  const bomb = Array.from({ length: 60 }, (_, index) => `c${index}=${'x'.repeat(200)}; Path=/`);
  await using origin = await start((response) => {
    response.writeHead(302, { location: '/next', 'set-cookie': bomb });
    response.end();
  });
  const judgement = await visits('evil', origin).fresh();
  expect(judgement).toMatchObject({ verdict: 'unknown', signature: 'prober-fault' });
  expect(origin.requests).toHaveLength(1);
  expect(refunds).toBe(0);
});
