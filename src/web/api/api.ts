// The JSON API under /api/v1: routes with their schemas, from which the OpenAPI document is made. Reads are
// bounded and paged by key; changes are guarded by the route table before they come here.

import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Actions, DemoFaults, Reads } from '../reads.ts';
import type { RunDoor } from '../run-door.ts';
import * as schemas from './schemas.ts';
import {
  checkView,
  componentView,
  gateView,
  incidentView,
  maintenanceView,
  resultView,
  sourceView,
  targetView,
} from './views.ts';

export interface ApiTools {
  readonly reads: Reads;
  readonly run: RunDoor;
  readonly actions: Actions;
  readonly demo: DemoFaults | null;
  readonly version: string;
}

const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});
const problem = (description: string) => json(schemas.Problem, description);
const idParameter = z.object({ id: z.string().min(1).max(2_000) });

/** Routes of the API, mounted at `/`. */
export function createApi(tools: ApiTools): OpenAPIHono {
  const api = new OpenAPIHono({
    defaultHook: (result, c: Context) => {
      if (result.success) return;
      const issue = result.error.issues[0];
      return c.json(
        { error: `${issue?.path.join('.') ?? 'request'}: ${issue?.message ?? 'not valid'}` },
        400,
      );
    },
  });
  addState(api, tools);
  addResults(api, tools);
  addIncidents(api, tools);
  addChanges(api, tools);
  addInbound(api, tools);
  api.get('/api/v1/openapi.json', (c) => {
    const info = { title: 'gatewatch', version: tools.version };
    return c.json(api.getOpenAPI31Document({ openapi: '3.1.0', info }));
  });
  return api;
}

function addState(api: OpenAPIHono, { reads }: ApiTools): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/targets',
      responses: {
        200: json(
          z.object({
            targets: z.array(schemas.Target),
            sources: z.array(schemas.Source),
            drift: z.array(schemas.Drift),
          }),
          'all targets, where they come from, and what does not fit',
        ),
      },
    }),
    (c) => {
      const snapshot = reads.snapshot();
      const { sources, drift } = snapshot.discovery;
      const targets = snapshot.targets.map((target) => targetView(target, snapshot));
      return c.json({ targets, sources: sources.map(sourceView), drift: [...drift] }, 200);
    },
  );
  api.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/checks',
      responses: { 200: json(z.object({ checks: z.array(schemas.Check) }), 'all checks and canaries') },
    }),
    (c) => c.json({ checks: reads.snapshot().checks.map(checkView) }, 200),
  );
  api.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/components',
      responses: { 200: json(z.object({ components: z.array(schemas.ComponentState) }), 'all components') },
    }),
    (c) => c.json({ components: reads.snapshot().components.map(componentView) }, 200),
  );
  api.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/gates',
      responses: { 200: json(z.object({ gates: z.array(schemas.Gate) }), 'sessions and budgets by outpost') },
    }),
    (c) => c.json({ gates: reads.snapshot().gates.map(gateView) }, 200),
  );
  api.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/maintenance',
      responses: {
        200: json(z.object({ maintenance: z.array(schemas.Maintenance) }), 'windows of planned work'),
      },
    }),
    (c) => c.json({ maintenance: reads.snapshot().maintenance.map(maintenanceView) }, 200),
  );
}

function addResults(api: OpenAPIHono, { reads }: ApiTools): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/results',
      request: { query: schemas.ResultsParameters },
      responses: {
        200: json(
          z.object({ results: z.array(schemas.Result), next: z.number().nullable() }),
          'newest first; `next` is the `before` of the following page',
        ),
        400: problem('a parameter is wrong'),
      },
    }),
    (c) => {
      const { check, target, verdict, since, before, limit } = c.req.valid('query');
      const results = reads.results({
        check: check ?? null,
        target: target ?? null,
        verdict: verdict ?? null,
        since: since ?? null,
        beforeId: before ?? null,
        limit,
      });
      const next = results.length < limit ? null : (results.at(-1)?.id ?? null);
      return c.json({ results: results.map(resultView), next }, 200);
    },
  );
}

function addIncidents(api: OpenAPIHono, { reads }: ApiTools): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/incidents',
      request: { query: schemas.IncidentsParameters },
      responses: {
        200: json(z.object({ incidents: z.array(schemas.Incident) }), 'newest first'),
        400: problem('a parameter is wrong'),
      },
    }),
    (c) => {
      const { state, before, limit } = c.req.valid('query');
      const found = reads.incidents({ state, before: before ?? null, limit });
      return c.json(
        { incidents: found.map((incident) => incidentView(incident, reads.summary(incident))) },
        200,
      );
    },
  );
  api.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/incidents/{id}',
      request: { params: idParameter },
      responses: { 200: json(schemas.Incident, 'one incident'), 404: problem('no such incident') },
    }),
    (c) => {
      const incident = reads.incident(c.req.valid('param').id);
      if (incident === null) return c.json({ error: 'no such incident' }, 404);
      return c.json(incidentView(incident, reads.summary(incident)), 200);
    },
  );
}

/** Alerts of others, as Alertmanager's webhook brings them; names and instants alone are kept. */
function addInbound(api: OpenAPIHono, { actions }: ApiTools): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/alertmanager',
      request: {
        body: { required: true, content: { 'application/json': { schema: schemas.AlertmanagerWebhook } } },
      },
      responses: { 200: json(schemas.Taken, 'taken'), 400: problem('the body is wrong') },
    }),
    (c) => {
      const alerts = c.req.valid('json').alerts.map(({ status, labels, startsAt, fingerprint }) => ({
        status,
        labels,
        startsAt: Date.parse(startsAt),
        fingerprint: fingerprint ?? null,
      }));
      return c.json({ evidence: actions.inbound(alerts) }, 200);
    },
  );
}

function addChanges(api: OpenAPIHono, { run, demo }: ApiTools): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/checks/{id}/run',
      request: { params: idParameter },
      responses: {
        202: json(schemas.Done, 'queued; budgets hold'),
        404: problem('no such check'),
        429: problem('this check was run by hand less than 10 s ago'),
        503: problem('the budget has no token left'),
      },
    }),
    async (c) => {
      switch (await run(c.req.valid('param').id)) {
        case 'queued':
          return c.json({ status: 'queued' }, 202);
        case 'unknown':
          return c.json({ error: 'no such check' }, 404);
        case 'too-soon':
          return c.json({ error: 'this check was run by hand less than 10 s ago' }, 429);
        case 'no-budget':
          return c.json({ error: 'no budget left for a probe now' }, 503);
      }
    },
  );
  if (demo === null) return;
  api.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/demo/faults/{id}',
      request: {
        params: idParameter,
        body: { required: true, content: { 'application/json': { schema: schemas.FaultSwitch } } },
      },
      responses: {
        200: json(schemas.Done, 'switched'),
        400: problem('the body is wrong'),
        404: problem('no such fault'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      if (!demo.faults().some((fault) => fault.id === id)) return c.json({ error: 'no such fault' }, 404);
      await demo.set(id, c.req.valid('json').on);
      return c.json({ status: c.req.valid('json').on ? 'on' : 'off' }, 200);
    },
  );
}
