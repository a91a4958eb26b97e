// A login page that loads and shows nothing: every status of the page itself is 200, and only a browser sees it.

import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createArtifactFiles } from '../../src/probe/browser/artifact-files.ts';
import { type LoginSite, startLoginSite } from '../support/browser-visit.ts';
import { tempFolder } from '../support/temp-folder.ts';

let site: LoginSite;
beforeAll(async () => {
  site = await startLoginSite();
});
afterAll(async () => site?.[Symbol.asyncDispose]());

test.for([
  ['throttled', { status: 429, error: null }],
  ['html', { status: 200, error: 'a page instead' }],
] as const)(
  'scripts that are %s leave a blank page, and the first of them is named',
  async ([assets, how]) => {
    site.setup({ assets });
    await using folder = await tempFolder('artifacts');
    const files = createArtifactFiles(folder.path, systemClock);
    const { flow, exchanges, error } = await site.visit('cdn', { artifacts: files });
    expect(flow).toMatchObject({ end: 'page-blank', secretsSent: false });
    expect(error).toBeNull();
    expect(exchanges.at(-1)?.status).toBe(200);
    expect(flow!.page!.failedResources).toContainEqual({
      url: expect.stringMatching(/^https:\/\/auth\.casa\.test:\d+\/static\/dist\/flow\/[^?]+\.js$/),
      type: 'script',
      ...how,
    });
    // The picture of it, and what a person needs to see why.
    const id = flow!.artifacts!;
    expect(files.list(id)).toEqual(['screenshot', 'exchanges', 'console']);
    expect(files.read(id, 'screenshot')!.subarray(0, 3).toString('hex')).toBe('ffd8ff');
    const har = JSON.parse(files.read(id, 'exchanges')!.toString());
    expect(har.log.entries.length).toBeGreaterThan(3);
  },
);

test('the provider that is down is no blank page', async () => {
  site.setup({});
  site.site.set('idp-down', true);
  await site.site.settled();
  const { flow, exchanges } = await site.visit('origin');
  expect(flow).toMatchObject({ end: 'not-finished', secretsSent: false });
  expect(exchanges.at(-1)).toMatchObject({ status: 502 });
  expect(new URL(exchanges.at(-1)!.url).hostname).toBe('auth.casa.test');
});

test('no folder of a visit is left behind', () => {
  expect(
    readdirSync(tmpdir()).filter((name) => name.startsWith(`gatewatch-browser-${process.pid}-`)),
  ).toEqual([]);
});
