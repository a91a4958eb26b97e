// Where log lines go when nobody reads them: they are lost and counted, and nothing waits for them (threats X22).

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait.ts';

const SINK = join(import.meta.dirname, '../../../src/base/log-sink.ts');
/** Writes 2 MB of lines and goes on, says on stderr how it fares, and ends as the daemon does when told to. */
const WRITER = `
import { createLogSink } from '${SINK}';
const sink = createLogSink(1);
let lines = 0;
const timer = setInterval(() => {
  for (let n = 0; n < 200; n += 1) sink.write('{"line":' + (lines++) + ',"pad":"' + 'x'.repeat(400) + '"}\\n');
  if (lines === 5000) process.stderr.write('written ' + Math.round(process.memoryUsage().rss / 1e6) + '\\n');
}, 10);
process.on('SIGTERM', () => {
  process.exitCode = 7;
  clearInterval(timer);
  sink.flush(() => process.exit(7));
});
`;

function start(stdout: 'pipe' | number): {
  child: ChildProcess;
  errors: () => string;
  ended: Promise<unknown[]>;
} {
  const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER], {
    stdio: ['ignore', stdout, 'pipe'],
  });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  return { child, errors: () => errors, ended: once(child, 'exit') };
}

async function endsWell({ child, errors, ended }: ReturnType<typeof start>): Promise<void> {
  await waitFor('all lines to be written', () => errors().includes('written'));
  expect(child.exitCode).toBeNull();
  child.kill('SIGTERM');
  expect(await ended).toEqual([7, null]);
  expect(errors()).toMatch(/^written \d+\n$/);
}

test('a reader that stops holds up neither the process nor its end', async () => {
  const writer = start('pipe');
  writer.child.stdout?.pause();
  await endsWell(writer);
});

test('a reader that comes back hears how many lines it missed', async () => {
  const writer = start('pipe');
  writer.child.stdout?.pause();
  await waitFor('all lines to be written', () => writer.errors().includes('written'));
  let text = '';
  writer.child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  writer.child.stdout?.resume();
  await waitFor('the count', () => /"dropped":\d+,"msg":"log lines dropped"/.test(text));
  writer.child.kill('SIGTERM');
  await writer.ended;
  const whole = text.split('\n').slice(0, -1);
  expect(whole.length).toBeGreaterThan(1_000);
  for (const line of whole) JSON.parse(line);
});

test('a reader that goes away ends nothing', async () => {
  const writer = start('pipe');
  writer.child.stdout?.once('data', () => writer.child.stdout?.destroy());
  await endsWell(writer);
});

test('a full disk ends nothing', async () => {
  const full = openSync('/dev/full', 'w');
  try {
    await endsWell(start(full));
  } finally {
    closeSync(full);
  }
});
