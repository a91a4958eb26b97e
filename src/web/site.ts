// All routes on one hono app: pages, health, metrics, reload, and the API below them. Order matters: dressing, the
// guards, then the handlers.

import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import type { Clock } from '../base/clock.ts';
import { errorText, type Log } from '../base/log.ts';
import { ARTIFACT_KINDS } from '../model/artifact.ts';
import { isOpenWide } from './access.ts';
import { createApi } from './api/api.ts';
import { createIdentify } from './credentials.ts';
import { admit, checkCredentials, checkHost, closeRest, dress, type WebEnv } from './guard.ts';
import type { WebOptions } from './options.ts';
import { checkPage, incidentPage, messagePage } from './page/detail-pages.ts';
import { fillFirstCheck } from './page/first-check.ts';
import { layout } from './page/layout.ts';
import { overview } from './page/overview.ts';
import { type Markup, mark } from './page/words.ts';
import { createProbeDoor } from './probe.ts';
import { EXPOSITION } from './probe-text.ts';
import type { Actions, DemoFaults, Reads } from './reads.ts';
import { ROUTES } from './routes.ts';
import { createRunDoor, type RunDoor } from './run-door.ts';
import { incidentTone, type Tone } from './standing.ts';
import { type Assets, createAssets } from './static/assets.ts';

/** Largest request body, bytes (threats 6). */
const MAX_BODY_BYTES = 1024 * 1024;
/** Results on the page of a check. */
const SHOWN_RESULTS = 50;

/** What an artifact is sent as; nothing that a browser would run. */
const ARTIFACT_FILES = {
  screenshot: { type: 'image/jpeg', name: 'screenshot.jpg' },
  exchanges: { type: 'application/octet-stream', name: 'exchanges.har' },
  console: { type: 'text/plain; charset=utf-8', name: 'console.txt' },
} as const;

export interface SiteTools {
  readonly options: WebOptions;
  readonly clock: Clock;
  readonly log: Log;
  readonly reads: Reads;
  /** The exposition text. */
  readonly metrics: () => Promise<string>;
  /** `ready`: configured and storing. `live`: still doing its work; false makes the orchestrator restart it. */
  readonly health: { ready(): boolean; live?(): boolean };
  readonly actions: Actions;
  /** Switches of the demo site; null when a configured site is watched. */
  readonly demo: DemoFaults | null;
}

interface Tools extends SiteTools {
  readonly assets: Assets;
  readonly run: RunDoor;
}

/** The app; needs the bindings of @hono/node-server. */
export function createSite(given: SiteTools): Hono<WebEnv> {
  const { options, log } = given;
  const tools: Tools = { ...given, assets: createAssets(), run: createRunDoor(given.actions, given.clock) };
  const site = new Hono<WebEnv>();
  site.use(dress);
  site.use(checkHost(options));
  site.use(checkCredentials(createIdentify(options.auth, given.clock), options));
  for (const route of ROUTES) site.on(route.method, [route.path], admit(route, options, log));
  site.use(closeRest(options));
  site.use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError: (c) => c.text('The body is too large.\n', 413) }));
  addPages(site, tools);
  addChanges(site, tools);
  addProbes(site, tools);
  site.route('/', createApi({ ...tools, version: given.reads.snapshot().version }));
  site.notFound((c) => {
    const methods = ROUTES.filter(({ path }) => path === c.req.path).map(({ method }) => method);
    if (methods.length > 0) return c.text(`Use ${methods.join(', ')}.\n`, 405, { allow: methods.join(', ') });
    return c.text('Not found.\n', 404);
  });
  site.onError((error, c) => {
    // The API's door: a body that is no JSON, or does not say that it is.
    if (error instanceof HTTPException) return c.json({ error: error.message }, error.status);
    log.error({ error: errorText(error) }, 'a request failed');
    return c.text('Internal error.\n', 500);
  });
  return site;
}

function addPages(site: Hono<WebEnv>, tools: Tools): void {
  const { reads, assets } = tools;
  const changes = !isOpenWide(tools.options);
  const page = (title: string, tone: Tone, content: Markup): Markup =>
    layout({ title, tone, snapshot: reads.snapshot(), assets, content });
  const missing = (what: string): Markup =>
    page('Not found', 'wait', messagePage(`No such ${what}`, 'It may have left the configuration.'));

  site.get('/', (c) => {
    const snapshot = reads.snapshot();
    const { content, head } = overview(snapshot, { reads, demo: tools.demo, changes });
    return c.html(layout({ title: head.text, tone: head.tone, snapshot, assets, content }));
  });
  site.get('/checks/:id', (c) => {
    const id = c.req.param('id');
    const snapshot = reads.snapshot();
    const check = snapshot.checks.find((each) => each.id === id);
    if (check === undefined) return c.html(missing('check'), 404);
    const results = reads.results({
      check: id,
      target: null,
      verdict: null,
      since: null,
      beforeId: null,
      limit: SHOWN_RESULTS,
    });
    const signature = check.signature === null ? null : reads.texts(check.signature);
    const firstCheck = signature === null ? null : fillFirstCheck(signature.firstCheck, check, snapshot);
    const artifacts = changes ? reads.artifacts : () => [];
    const shown = { check, results, signature, firstCheck, now: snapshot.at };
    const content = checkPage({ ...shown, changes, artifacts });
    return c.html(page(check.target, mark(check.verdict).tone, content));
  });
  site.get('/incidents/:id', (c) => {
    const incident = reads.incident(c.req.param('id'));
    if (incident === null) return c.html(missing('incident'), 404);
    const text = reads.summary(incident);
    const signature = incident.signature === null ? null : reads.texts(incident.signature);
    const content = incidentPage(incident, { text, signature, now: reads.snapshot().at });
    return c.html(
      page(text.summary, incident.state === 'resolved' ? 'wait' : incidentTone(incident), content),
    );
  });
  site.get('/artifacts/:id/:kind', (c) => {
    const kind = ARTIFACT_KINDS.find((one) => one === c.req.param('kind'));
    const content = kind === undefined ? null : reads.artifact(c.req.param('id'), kind);
    if (kind === undefined || content === null) return c.text('No such file, or it is too old.\n', 404);
    const { type, name } = ARTIFACT_FILES[kind];
    const disposition = kind === 'screenshot' ? 'inline' : `attachment; filename="${name}"`;
    const headers = { 'content-type': type, 'content-disposition': disposition };
    return c.body(new Uint8Array(content), 200, headers);
  });
  site.get('/static/:name', (c) => {
    const asset = assets.byPathname.get(c.req.path);
    return asset === undefined ? c.notFound() : c.body(asset.content, 200, { 'content-type': asset.type });
  });
}

function addChanges(site: Hono<WebEnv>, { reads, assets, actions, demo, run }: Tools): void {
  const refused = (title: string, text: string): Markup =>
    layout({ title, tone: 'wait', snapshot: reads.snapshot(), assets, content: messagePage(title, text) });
  site.post('/checks/:id/run', async (c) => {
    const id = c.req.param('id');
    switch (await run(id)) {
      case 'queued':
        return c.redirect(`/checks/${encodeURIComponent(id)}`, 303);
      case 'too-soon':
        return c.html(refused('Probed a moment ago', 'A check can be run by hand once in 10 seconds.'), 429);
      case 'no-budget':
        return c.html(
          refused('No budget left', 'A probe now would cost a session more than the budget allows.'),
          503,
        );
      case 'unknown':
        return c.html(refused('No such check', 'It may have left the configuration.'), 404);
    }
  });
  site.post('/demo/faults/:id', async (c) => {
    const id = c.req.param('id');
    const on = (await c.req.parseBody())['on'];
    const known = demo?.faults().some((fault) => fault.id === id) ?? false;
    if (demo === null || !known)
      return c.html(refused('No such fault', 'Only the demo site has switches.'), 404);
    if (on !== 'true' && on !== 'false')
      return c.html(refused('Not understood', 'Expected on=true or on=false.'), 400);
    await demo.set(id, on === 'true');
    return c.redirect('/', 303);
  });
  let reloading = false;
  site.post('/-/reload', async (c) => {
    if (reloading) return c.text('A reload is under way.\n', 429);
    reloading = true;
    try {
      const { ok, problems } = await actions.reload();
      if (ok) return c.text('Reloaded.\n');
      return c.text(`Not reloaded, the old configuration stays in use:\n${problems.join('\n')}\n`, 400);
    } finally {
      reloading = false;
    }
  });
}

/** Health for the orchestrator (only ok or not), metrics and probes for Prometheus. */
function addProbes(site: Hono<WebEnv>, { health, metrics, reads, actions }: Tools): void {
  for (const path of ['/-/healthy', '/livez']) {
    site.get(path, (c) => (health.live?.() === false ? c.text('not well\n', 503) : c.text('ok\n')));
  }
  for (const path of ['/-/ready', '/readyz']) {
    site.get(path, (c) => (health.ready() ? c.text('ok\n') : c.text('not ready\n', 503)));
  }
  site.get('/metrics', async (c) => c.body(await metrics(), 200, EXPOSITION));
  site.get('/probe', createProbeDoor({ reads, actions }));
}
