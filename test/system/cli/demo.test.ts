// `gatewatch demo` as a process: the page, its switches, a second terminal, and the end.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FAULTS } from '../../../src/demo/faults.ts';
import { api, gatewatch, post, startGatewatch } from '../../support/cli-site.ts';
import { freePort } from '../../support/free-port.ts';
import type { Program } from '../../support/program.ts';
import { type TempFolder, tempFolder } from '../../support/temp-folder.ts';
import { waitFor } from '../../support/wait.ts';

let folder: TempFolder;
beforeAll(async () => {
  folder = await tempFolder('demo');
});
afterAll(() => folder[Symbol.asyncDispose]());

describe('a running demo', () => {
  let demo: Program;
  let host: string;

  beforeAll(async () => {
    demo = startGatewatch(['demo', '--listen', '127.0.0.1:0', '--fault', 'service-down'], folder.path);
    await demo.says('Ctrl-C ends the demo');
    host = demo.output().match(/http:\/\/([\d.]+:\d+)\//)?.[1] ?? '';
  });
  afterAll(() => demo[Symbol.asyncDispose]());

  test('tells the page, how to break something there, and how to watch a site of your own', () => {
    const said = demo.output();
    expect(said).toContain(`gatewatch demo --fault session-store-full --listen ${host}`);
    expect(said).toContain('gatewatch check https://');
    expect(said).toContain('On from the start: service-down');
    expect(said).not.toMatch(/\u001b/);
  });

  test('watches 37 targets, and its page has a switch for every fault', async () => {
    expect((await api<{ targets: unknown[] }>(`http://${host}`, 'targets')).targets).toHaveLength(37);
    const page = await (await fetch(`http://${host}/`)).text();
    expect(FAULTS.length).toBeGreaterThanOrEqual(13);
    for (const { id } of FAULTS) expect(page).toContain(id);
  });

  test('a second terminal switches faults, and the phone rings for what is broken', async () => {
    const on = await gatewatch(['demo', '--fault', 'gate-down', '--listen', host], { cwd: folder.path });
    expect(on).toMatchObject({ code: 0, stdout: 'gate-down is on\n' });
    await waitFor('the phone', () => /☎ GatewatchSharedFault firing/.test(demo.output()), {
      limitMs: 120_000,
    });
    expect(demo.output()).toMatch(/authentik .*(unreachable|does not answer|down|reach)/i);
    const off = await gatewatch(['demo', '--fault', 'gate-down', '--off', '--listen', host], {
      cwd: folder.path,
    });
    expect(off).toMatchObject({ code: 0, stdout: 'gate-down is off\n' });
  });

  test('takes a switch by POST from this machine, not from another site', async () => {
    const flip = (headers: Record<string, string>, body: string): Promise<{ status: number }> =>
      post(`http://${host}/api/v1/demo/faults/no-route`, { headers, body });
    const json = { 'content-type': 'application/json' };
    expect((await flip(json, '{"on":true}')).status).toBe(200);
    expect((await flip({ ...json, origin: 'https://evil.example' }, '{"on":false}')).status).toBe(403);
    expect((await flip(json, '{"on":"perhaps"}')).status).toBe(400);
    expect((await flip(json, '{"on":false}')).status).toBe(200);
  });

  test('ends with 0', async () => {
    expect(await demo.end('SIGTERM')).toBe(0);
  });
});

test('without a configuration, run watches the demo and says so', async () => {
  await using run = startGatewatch(['run'], folder.path);
  await run.says(/No gatewatch\.yaml here and no --config: watching the built-in demo site instead/);
  await run.says(/Ctrl-C ends the demo|EADDRINUSE/);
});

describe('what it refuses', () => {
  const cases: [args: string[], code: number, says: RegExp][] = [
    [['--fault', 'nonsense'], 2, /no fault 'nonsense'; there are session-store-full, /],
    [['--off'], 2, /--off needs a --fault/],
    [['--listen', 'everywhere'], 2, /--listen: expected an IP address and a port/],
    [['--listen', 'everywhere', '--fault', 'gate-down'], 2, /--listen: expected an IP address and a port/],
    [['session-store-full'], 2, /usage: gatewatch demo/],
  ];
  test.each(cases)('%j ends with %i', async (args, code, says) => {
    const ended = await gatewatch(['demo', ...args], { cwd: folder.path });
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code, stderr: expect.stringMatching(says) });
  });

  test('to switch a fault off where no demo runs', async () => {
    const listen = `127.0.0.1:${await freePort()}`;
    const ended = await gatewatch(['demo', '--fault', 'gate-down', '--off', '--listen', listen], {
      cwd: folder.path,
    });
    expect(ended).toMatchObject({ code: 1, stderr: `gatewatch demo: no demo runs on ${listen}\n` });
  });
});
