// Out of descriptors: the prober says that it is itself, also where the resolver library hides it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startNameServer } from '../../../src/demo/name-server.ts';
import { startOrigin } from '../../support/origin.ts';

const PROBER = fileURLToPath(new URL('../../support/starved-prober.ts', import.meta.url));

test('without a descriptor neither target nor resolver is blamed, and with one again all is well', async () => {
  await using origin = await startOrigin({ respond: (_request, response) => response.end('ok') });
  await using names = await startNameServer({ port: 0, ttl: 0, answer: () => ['127.0.0.1'] });
  const command = 'ulimit -n 64 && exec "$0" "$@"';
  const child = spawn('sh', ['-c', command, process.execPath, PROBER, `${origin.port}`, `${names.port}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (piece) => {
    text += piece;
  });
  await once(child, 'close');
  expect(JSON.parse(text)).toEqual({
    fed: { literal: null, name: null },
    starved: { literal: 'prober:out-of-resources', name: 'prober:out-of-resources' },
    noted: expect.stringContaining('EMFILE'),
    again: { literal: null, name: null },
  });
});
