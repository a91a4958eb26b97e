// CPU of a login over HTTP and of a session visit: the prober alone, against the laboratory site in another process.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock } from '../../src/base/clock.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Check, Visit } from '../../src/model/check.ts';
import { createProbing, probeOnce } from '../../src/pipeline.ts';
import { createSignedIn } from '../../src/probe/signed-in.ts';
import { plan } from '../../src/schedule/plan.ts';
import { type Row, row } from './row.ts';

/** Of a login, ms (issue: under 50 ms of CPU). */
const LOGIN_MARK_MS = 50;
const WARM = 10;

/** Measures so many logins and five times as many session visits. */
export async function measureSigned(count: number): Promise<Row[]> {
  const file = join(import.meta.dirname, '../support/child-login-site.ts');
  const child = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    return await measure(configurationOf(JSON.parse(line)), count);
  } finally {
    child.stdin.end();
    await once(child, 'exit');
  }
}

interface Place {
  readonly loginUrl: string;
  readonly protectedUrls: readonly string[];
  readonly originAddress: string;
  readonly resolver: string;
  readonly ca: string;
  readonly user: { readonly username: string; readonly password: string };
}

function configurationOf({ loginUrl, protectedUrls, originAddress, resolver, ca, user }: Place) {
  const text = JSON.stringify({
    gates: [{ name: 'authentik', url: loginUrl, paths: ['cdn'] }],
    paths: [
      { name: 'cdn', kind: 'cdn', resolver, private: true, proof: { header: 'cf-ray' } },
      { name: 'origin', kind: 'origin', address: originAddress },
    ],
    targets: protectedUrls,
    accounts: [{ name: 'monitor', username: user.username, password: user.password }],
    tls: { ca: [ca] },
  });
  return loadConfig({ name: 'bench', text }, {}).config;
}

async function measure(config: ReturnType<typeof configurationOf>, count: number): Promise<Row[]> {
  const knowledge = { get: () => null };
  const signedIn = createSignedIn(systemClock);
  const stall = { during: () => null, [Symbol.dispose]: () => {} };
  const { stages } = createProbing(config, { clock: systemClock, stall, knowledge, jars: null, signedIn });
  const subjects = plan({ ...config, knowledge });
  const visit = async (kind: Visit, path: string): Promise<void> => {
    const check = subjects.find(
      (one): one is Check => one.kind === 'visit' && one.visit === kind && one.path.name === path,
    );
    if (check?.account == null || check.gate === null) throw new Error(`no ${kind} visit over ${path}`);
    const { observation, judgement } = await probeOnce(
      check,
      { extra: false },
      stages,
      new AbortController().signal,
    );
    if (judgement.verdict !== 'up') throw new Error(`${check.id}: ${judgement.reason}`);
    if (kind === 'login')
      signedIn.keep({ account: check.account, gate: check.gate, replace: true }, observation.exchanges);
  };
  const cost = async (kind: Visit, path: string, times: number): Promise<number> => {
    for (let warm = 0; warm < WARM; warm += 1) await visit(kind, path);
    const before = process.cpuUsage();
    for (let time = 0; time < times; time += 1) await visit(kind, path);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000 / times;
  };
  return [
    row(
      'CPU of a login over HTTP, password on one page',
      await cost('login', 'cdn', count),
      'ms',
      LOGIN_MARK_MS,
    ),
    row('CPU of a session visit, through the CDN', await cost('session', 'cdn', 5 * count), 'ms'),
    row('CPU of a session visit, at the origin', await cost('session', 'origin', 5 * count), 'ms'),
  ];
}
