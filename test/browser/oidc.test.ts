// Another provider, that is not of our making, by a flow of twenty lines: plain forms, a page each.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { cdnPath, gate, path, target } from '../integration/probe/probe-kit.ts';
import { browserVisit } from '../support/browser-visit.ts';
import { startOidcSite } from '../support/oidc-site.ts';
import { tempFolder } from '../support/temp-folder.ts';

const FLOW = `import { defineFlow } from '#flow';

export const flow = defineFlow('plain-form', async (tools) => {
  const { page, target, account, step, firstOf, fillPassword, arrived, stop } = tools;
  const wrong = page.locator('[role="alert"], .error');
  const consent = page.locator('form:not(:has(input[type="password"])) button');
  await step('open the service', () => page.goto(target.url, { waitUntil: 'commit' }));
  await step('see the login page', () => firstOf({ form: page.locator('input[type="password"]') }));
  await step('name and password', async () => {
    await page.locator('input[name="login"], input[name="username"]').fill(account.username);
    await fillPassword(page.locator('input[type="password"]'));
    await page.locator('button[type="submit"]').click();
  });
  const next = await step('see what comes', () => firstOf({ arrived, wrong, consent }));
  if (next === 'wrong') stop('rejected', 'the login page does not take the password');
  if (next === 'consent') await step('agree', () => consent.first().click());
});
`;

test('logs in at a certified OpenID provider by a flow of its own, and knows a refusal', async () => {
  await using site = await startOidcSite();
  await using folder = await tempFolder('oidc-flow');
  const file = join(folder.path, 'plain-form.flow.ts');
  writeFileSync(file, FLOW);
  const [host = '', port = ''] = site.address.split(':');
  const direct = cdnPath(Number(site.resolver.split(':')[1]));
  const origin = path({ host, port: Number(port) });
  const app = target(site.appUrl);
  const expectation = {
    is: 'login',
    status: [],
    location: null,
    header: {},
    contains: null,
    notContains: null,
  } as const;
  const visit = (way: typeof origin, password: string) =>
    browserVisit(
      {
        target: { ...app, expect: { [way.name]: expectation } },
        path: way,
        gate: gate({ kind: 'oidc', url: site.loginUrl, paths: [direct.name] }),
        paths: [direct, origin],
        ca: [site.ca.pem],
        username: site.user.username,
      },
      { handOut: async () => ({ value: password }), flow: pathToFileURL(file).href },
    );
  site.askConsent(true);
  const { flow, exchanges } = await visit(origin, site.user.password);
  expect(flow).toMatchObject({ end: 'app', secretsSent: true });
  expect(flow!.steps.at(-1)?.name).toBe('agree');
  expect(exchanges.at(-1)).toMatchObject({ status: 200, body: expect.stringContaining(site.greeting) });
  expect((await visit(direct, 'wrong')).flow).toMatchObject({ end: 'rejected' });
});
