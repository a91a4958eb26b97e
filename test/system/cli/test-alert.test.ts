// `gatewatch test-alert` as a process: who took it, who did not, and that no secret URL is shown.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type Finished, gatewatch } from '../../support/cli-site.ts';
import { type ReceiverStandIn, receiver } from '../../support/receiver.ts';
import { type TempFolder, tempFolder } from '../../support/temp-folder.ts';

let folder: TempFolder;
let phone: ReceiverStandIn;
beforeAll(async () => {
  folder = await tempFolder('test-alert');
  phone = await receiver();
});
afterAll(async () => {
  await phone[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});
beforeEach(() => {
  phone.requests.length = 0;
  phone.answer = { status: 200 };
});

async function testAlert(receivers: unknown, more: readonly string[] = []): Promise<Finished> {
  const configuration = {
    paths: [{ name: 'direct', kind: 'direct' }],
    defaults: { expect: 'public', paths: ['direct'] },
    targets: ['https://www.example.com'],
    receivers,
  };
  await writeFile(join(folder.path, 'gatewatch.yaml'), stringify(configuration));
  return gatewatch(['test-alert', ...more], { cwd: folder.path });
}

const webhook = (name: string): unknown => ({
  name,
  kind: 'webhook',
  url: `${phone.url}/MARKERpath?key=MARKERkey`,
});

test('sends an alert that is none, and says who took it', async () => {
  const { code, stdout } = await testAlert([webhook('phone')]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/✔ phone: /);
  expect(phone.requests.length).toBeGreaterThan(0);
  expect(phone.requests[0]?.body.alerts[0].labels).toMatchObject({ alertname: 'GatewatchTest' });
});

test('sends it to the receivers that are named alone', async () => {
  const { stdout } = await testAlert([webhook('phone'), webhook('other')], ['other']);
  expect(stdout).toContain('other: ');
  expect(stdout).not.toContain('phone: ');
});

test('ends with 1 when one does not take it, and shows neither path nor key of its URL', async () => {
  phone.answer = { status: 403, body: 'MARKERbody' };
  const { code, stdout, stderr } = await testAlert([webhook('phone')]);
  expect(code).toBe(1);
  expect(stdout).toBe(`✘ phone: ${phone.url}: unauthorized\n`);
  expect(stdout + stderr).not.toMatch(/MARKER(path|key)/);
});

test('prints JSON when asked', async () => {
  const { stdout } = await testAlert([webhook('phone')], ['--json']);
  expect(JSON.parse(stdout)).toMatchObject([{ receiver: 'phone', report: { ok: true } }]);
});

test('ends with 1 when nobody would be told, and with 2 for a name that is none', async () => {
  expect(await testAlert([])).toMatchObject({ code: 1, stderr: expect.stringContaining('no receivers') });
  expect(await testAlert([webhook('phone')], ['fone'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("no receiver 'fone'"),
  });
});
