// Recorded answers of Traefik and authentik, in pages as these cut them, and a kubeconfig for a stand-in.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { WithHeaders } from './json-server.ts';

function recorded(file: string): Record<string, unknown[]> {
  return JSON.parse(readFileSync(`test/fixtures/discover/${file}`, 'utf8'));
}

/** Answers of Traefik's API by URL, `size` entries a page. */
export function traefikAnswers(file: string, size: number): Record<string, WithHeaders> {
  const answers: Record<string, WithHeaders> = {};
  for (const [what, entries] of Object.entries(recorded(file))) {
    const count = Math.max(1, Math.ceil(entries.length / size));
    for (let page = 1; page <= count; page += 1)
      answers[`/api/http/${what}?page=${page}&per_page=250`] = new WithHeaders(
        entries.slice((page - 1) * size, page * size),
        { 'x-next-page': String(page < count ? page + 1 : 1) },
      );
  }
  return answers;
}

const AUTHENTIK_PATHS: Readonly<Record<string, string>> = {
  providers: '/api/v3/providers/proxy/?',
  applications: '/api/v3/core/applications/?superuser_full_list=true&',
  outposts: '/api/v3/outposts/instances/?',
};

/** Answers of authentik's API by URL, in the recorded pages. */
export function authentikAnswers(file: string): Record<string, unknown> {
  const answers: Record<string, unknown> = {};
  for (const [what, pages] of Object.entries(recorded(file)))
    for (const [index, page] of pages.entries())
      answers[`${AUTHENTIK_PATHS[what]}page=${index + 1}&page_size=100`] = page;
  return answers;
}

/** Name of a kubeconfig for the API at a URL, with a token; it lasts as long as the test that asks. */
export function kubeconfigFor(url: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatewatch-kubeconfig-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'config');
  const config = {
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'here', user: 'here' } }],
    clusters: [{ name: 'here', cluster: { server: url } }],
    users: [{ name: 'here', user: { token: 'hunter2' } }],
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}
