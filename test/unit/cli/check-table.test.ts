// The table of `check`: aligned columns, phases that were not reached, and nothing secret.

import { expect, test } from 'vitest';
import { checkTable, matrixLine } from '../../../src/cli/check-table.ts';
import { createPrint } from '../../../src/cli/print.ts';
import { exchange, probeResult } from '../../support/probe-result.ts';
import { exchange as classified, DAY, TLS } from '../classify/subjects.ts';

const NOW = Date.UTC(2026, 4, 1);
const print = createPrint({ NO_COLOR: '1' });
const row = (lines: readonly string[], name: string): string =>
  lines.find((line) => line.trimStart().startsWith(name))?.trim() ?? '';

test('has a column for each visit and path, one under the other', () => {
  const lines = checkTable(
    [
      probeResult({ at: NOW, path: 'cdn', exchanges: [exchange({ tls: TLS })] }),
      probeResult({
        at: NOW,
        path: 'origin',
        verdict: 'down',
        signature: 'gate-no-session',
        exchanges: [exchange({ status: 400, headers: {} })],
      }),
    ],
    NOW,
    print,
  );
  expect(lines[0]?.trim()).toMatch(/^fresh cdn +fresh origin$/);
  expect(row(lines, 'status')).toMatch(/^status +302 +400$/);
  expect(row(lines, 'verdict')).toMatch(/✔ up in \S+( \S+)? +✘ down gate-no-session$/);
  const column = (lines[0] ?? '').indexOf('fresh origin');
  expect(row(lines, 'certificate')).toContain('*.example.com, 60 d left');
  for (const line of lines) expect(line.length <= column || line[column - 1] === ' ').toBe(true);
});

test('shows every hop of the status, the host of the redirect, and never its query', () => {
  const lines = checkTable(
    [probeResult({ at: NOW, exchanges: [exchange(), exchange({ status: 400 })] })],
    NOW,
    print,
  );
  expect(row(lines, 'status')).toBe('status        302 → 400');
  expect(row(lines, 'redirects to')).toMatch(/^redirects to {2}auth\.example\.com\/application\/o\/authoriz/);
  expect(lines.join('\n')).not.toMatch(/SECRET|state=/);
});

test('tells what was not reached from what failed', () => {
  const dead = exchange({
    remote: null,
    timings: { dnsMs: 12, connectMs: null, tlsMs: null, firstByteMs: null, transferMs: null },
    status: null,
    headers: {},
    error: { phase: 'dns', code: 'dns-not-found', message: 'no such name' },
  });
  const lines = checkTable([probeResult({ at: NOW, verdict: 'down', exchanges: [dead] })], NOW, print);
  expect(row(lines, 'DNS')).toMatch(/failed$/);
  expect(row(lines, 'TCP')).toMatch(/–$/);
  expect(row(lines, 'status')).toMatch(/none$/);
});

test('says since when a certificate is expired', () => {
  const tls = { ...TLS, notAfter: NOW - 3 * DAY };
  const lines = checkTable([probeResult({ at: NOW, exchanges: [classified({ tls })] })], NOW, print);
  expect(row(lines, 'certificate')).toMatch(/expired 3 d ago$/);
});

test('is there for a probe without any exchange', () => {
  const lines = checkTable(
    [probeResult({ at: NOW, verdict: 'unknown', signature: 'prober-fault', exchanges: [] })],
    NOW,
    print,
  );
  expect(row(lines, 'verdict')).toContain('? unknown prober-fault');
});

test('puts one target of many on one line, with the first thing that is wrong', () => {
  const line = matrixLine(
    'grafana.example.com',
    [
      probeResult({ at: NOW, path: 'cdn' }),
      probeResult({ at: NOW, path: 'origin', verdict: 'down', signature: 'timeout' }),
    ],
    print,
  );
  expect(line).toMatch(/^ {2}grafana\.example\.com +✔ fresh cdn {2}✘ fresh origin {2}timeout$/);
});
