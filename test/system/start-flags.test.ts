// The daemon as it is started in production: all of it works under those flags, and no signal opens a door (threats P7).

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createAuthority } from '../../src/demo/certificates.ts';
import { loopbackPort } from '../support/loopback-port.ts';
import { startOrigin } from '../support/origin.ts';
import { startProgram } from '../support/program.ts';
import { START_FLAGS } from '../support/start-flags.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

test('it probes, reloads and ends cleanly, and SIGUSR1 opens no port', async () => {
  await using folder = await tempFolder('start-flags');
  const authority = await createAuthority();
  await using origin = await startOrigin({
    identity: await authority.issue(['app.site.test']),
    respond: (_request, response) => response.end('fine'),
  });
  const port = await loopbackPort();
  const file = join(folder.path, 'gatewatch.yaml');
  await writeFile(join(folder.path, 'ca.pem'), authority.certificatePem);
  await writeFile(file, JSON.stringify(configuration(port, origin.port)));
  const args = [...START_FLAGS, MAIN, 'run', '--config', file];
  await using program = startProgram(process.execPath, args, { cwd: folder.path });
  const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const isUp = async (): Promise<boolean> => /^gatewatch_check_up\{.*\} 1$/m.test(await metrics());
  await waitFor('the target to be up', isUp).catch((error: Error) => {
    throw new Error(`${error.message}\n${program.output().slice(-4000)}`);
  });

  const before = listening(program.pid);
  expect(before).toEqual([port]);
  process.kill(program.pid, 'SIGUSR1');
  process.kill(program.pid, 'SIGHUP');
  // The reload comes after the signal: once it is through, the signal is, too.
  await program.says('"configuration in force"');
  await waitFor('the reload', () => program.output().split('"configuration in force"').length > 2);
  expect(listening(program.pid)).toEqual(before);
  expect(await isUp()).toBe(true);
  expect(await program.end('SIGTERM')).toBe(0);
});

function configuration(port: number, originPort: number): unknown {
  return {
    paths: [{ name: 'origin', kind: 'origin', address: `127.0.0.1:${originPort}` }],
    defaults: { expect: 'public', paths: ['origin'] },
    targets: ['https://app.site.test'],
    checks: { return: { every: '1s' } },
    canaries: 'none',
    store: { file: 'gatewatch.db' },
    web: { listen: `127.0.0.1:${port}` },
    tls: { ca: 'ca.pem' },
  };
}

/** TCP ports that a process listens on, by its descriptors (proc(5): state 0A is LISTEN). */
function listening(pid: number): number[] {
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      } catch {
        return undefined; // closed meanwhile
      }
    }),
  );
  const rows = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n'),
  );
  return rows
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A' && sockets.has(fields[9]))
    .map((fields) => Number.parseInt(fields[1]?.split(':')[1] ?? '', 16));
}
