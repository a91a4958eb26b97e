// The metadata service of a cloud, in a network namespace where it exists: no literal, name or redirect leads there.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const PROBER = fileURLToPath(new URL('../../support/metadata-prober.ts', import.meta.url));
const SETUP = 'ip link set lo up && ip address add 169.254.169.254/32 dev lo && exec "$0" "$@"';

test('a recorder at 169.254.169.254 sees nobody, unless it is the configured origin', async () => {
  const inNamespace = ['--map-root-user', '--net', 'sh', '-c', SETUP, process.execPath, PROBER];
  const child = spawn('unshare', inNamespace, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (piece) => {
    text += piece;
  });
  await once(child, 'close');
  expect(JSON.parse(text)).toEqual({
    before: 0,
    after: 1,
    control: null,
    tried: 58,
    faults: ['connect:address-forbidden'],
  });
});
