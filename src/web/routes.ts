// The route table: every door of the web port, what it answers with, and what a caller needs. A route that is not
// in it is guarded like a page (reads) or refused (changes); a test compares it with what is registered.

import type { Scope } from './options.ts';
import type { AnswerKind } from './security-headers.ts';

/** `nothing`: health pages. `read`, `artifact`, `metrics`: reading. `probe`: costs budget, changes nothing. Everything else is a change. */
export type Need = 'nothing' | 'read' | 'artifact' | 'metrics' | Exclude<Scope, 'read' | 'metrics'>;

export interface Route {
  readonly method: 'GET' | 'POST';
  /** Pathname in hono's pattern language. */
  readonly path: string;
  readonly answer: AnswerKind;
  readonly need: Need;
}

const get = (path: string, answer: AnswerKind, need: Need): Route => ({ method: 'GET', path, answer, need });
const post = (path: string, answer: AnswerKind, need: Need): Route => ({
  method: 'POST',
  path,
  answer,
  need,
});

export const ROUTES: readonly Route[] = [
  get('/', 'page', 'read'),
  get('/checks/:id', 'page', 'read'),
  get('/incidents/:id', 'page', 'read'),
  get('/artifacts/:id/:kind', 'artifact', 'artifact'),
  post('/checks/:id/run', 'page', 'run'),
  post('/demo/faults/:id', 'page', 'demo'),
  get('/static/:name', 'asset', 'read'),
  get('/metrics', 'data', 'metrics'),
  get('/probe', 'data', 'probe'),
  get('/-/healthy', 'data', 'nothing'),
  get('/-/ready', 'data', 'nothing'),
  get('/livez', 'data', 'nothing'),
  get('/readyz', 'data', 'nothing'),
  post('/-/reload', 'data', 'reload'),
  get('/api/v1/targets', 'data', 'read'),
  get('/api/v1/checks', 'data', 'read'),
  get('/api/v1/components', 'data', 'read'),
  get('/api/v1/gates', 'data', 'read'),
  get('/api/v1/maintenance', 'data', 'read'),
  get('/api/v1/results', 'data', 'read'),
  get('/api/v1/incidents', 'data', 'read'),
  get('/api/v1/incidents/:id', 'data', 'read'),
  get('/api/v1/openapi.json', 'data', 'read'),
  post('/api/v1/checks/:id/run', 'data', 'run'),
  post('/api/v1/alertmanager', 'data', 'alertmanager'),
  post('/api/v1/demo/faults/:id', 'data', 'demo'),
];
