// Signs in at authentik's login page and arrives at the service. The page is made of web components with open shadow
// roots; their names are the same from 2023.3 on. Everything is looked for inside its stage: the identification stage
// adds a hidden form with `username`, `password` and `code` to the document, for password managers.

import { defineFlow } from '#flow';

/** Stages answered at most; the longest sensible flow has six. */
const MOST_STAGES = 12;
/** What only a person can answer. */
const HUMAN = ['ak-stage-captcha', 'ak-stage-prompt', 'ak-stage-email', 'ak-stage-authenticator-webauthn'];
/** What a stage shows when an answer was wrong. */
const WRONG = '[role="alert"], .pf-m-error, .pf-m-danger';

export const flow = defineFlow('authentik', async (tools) => {
  const { page, target, account, step, firstOf, submit, fillPassword, fillCode, arrived, stop } = tools;
  const stage = (name: string) => page.locator(`ak-stage-${name}`);
  const signs = {
    arrived,
    // The provider's answer to a user who may not use the application: status 200 where success is a redirect.
    refused: () => {
      const shown = tools.document();
      return shown?.status === 200 && shown.url.pathname.endsWith('/application/o/authorize/');
    },
    password: stage('password').locator('input[name="password"]'),
    identification: stage('identification').locator('input[name="uidField"]'),
    'authenticator-validate-code': stage('authenticator-validate-code').locator('input[name="code"]'),
    consent: stage('consent').locator('button[type="submit"]'),
    'user-login': stage('user-login').locator('button'),
    denied: stage('access-denied'),
    error: page.locator('ak-stage-flow-error'),
    human: page.locator(HUMAN.join(', ')),
  };
  const refuse = (what: string) => stop('rejected', `the login page does not take what was typed (${what})`);
  const answer = async (name: string, act: () => Promise<unknown>): Promise<void> => {
    const outcome = await submit(stage(name), act, stage(name).locator(WRONG));
    if (outcome === 'refused') refuse(name);
  };
  const press = (name: string) => stage(name).locator('button[type="submit"]').first().click();
  const answers: Readonly<Record<string, () => Promise<void>>> = {
    identification: () =>
      answer('identification', async () => {
        await signs.identification.fill(account.username);
        const password = stage('identification').locator('input[name="password"]');
        if (await password.isVisible()) await fillPassword(password);
        await press('identification');
      }),
    password: () =>
      answer('password', async () => {
        await fillPassword(signs.password);
        await press('password');
      }),
    'authenticator-validate-code': () =>
      answer('authenticator-validate-code', async () => {
        await fillCode(signs['authenticator-validate-code']);
        await press('authenticator-validate-code');
      }),
    consent: () => answer('consent', () => press('consent')),
    'user-login': () => {
      // "Stay signed in?": names since 2025.12; before, the second of two is "no".
      const no = stage('user-login').locator('button[name="forget-me"], button:not([name])').last();
      return answer('user-login', () => no.click());
    },
  };

  await step('open the service', () => page.goto(target.url, { waitUntil: 'commit' }));
  const done = new Set<string>();
  for (let count = 0; count < MOST_STAGES; count += 1) {
    const seen = await step(count === 0 ? 'see the login page' : 'see the next page', () => firstOf(signs));
    if (seen === 'arrived') return;
    if (seen === 'denied' || seen === 'refused') stop('denied', 'the login page denies access');
    if (seen === 'error') stop('flow-error', 'the login page shows an error of its flow');
    if (seen === 'human') stop('needs-human', 'the login page wants something of a person');
    // Nothing is ever typed twice: a second failed password may lock the account.
    if (done.has(seen)) refuse(seen);
    done.add(seen);
    await step(seen, answers[seen] ?? (() => stop('needs-human', `no answer is known (${seen})`)));
  }
});
