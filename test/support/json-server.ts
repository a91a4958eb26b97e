// A server that answers JSON by pathname (with query first), and whose answers can be spoiled: for sources of targets.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** What is wrong with an answer. */
export type Fault =
  | { readonly status: number }
  | 'garbage'
  | 'other-shape'
  | 'deep'
  | 'half'
  | 'endless'
  | 'silent'
  | 'reset';

/** One request that arrived. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

export interface JsonServer extends AsyncDisposable {
  readonly url: string;
  readonly asked: Asked[];
  /** JSON by pathname with query, or pathname; may be replaced. */
  answers: Record<string, unknown>;
  /** What is wrong now, for requests whose pathname begins with the text. */
  fault: { readonly at: string; readonly what: Fault } | null;
}

/** An answer with headers of its own. */
export class WithHeaders {
  readonly value: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(value: unknown, headers: Readonly<Record<string, string>>) {
    this.value = value;
    this.headers = headers;
  }
}

/** Begins to listen on loopback. */
export async function jsonServer(
  answers: Record<string, unknown>,
  identity?: { readonly certPem: string; readonly keyPem: string },
): Promise<JsonServer> {
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const { method = '', url = '', headers } = request;
    standIn.asked.push({ method, url, headers });
    const { fault } = standIn;
    if (fault !== null && url.startsWith(fault.at)) {
      spoil(response, fault.what);
      return;
    }
    const answer = standIn.answers[url] ?? standIn.answers[url.split('?')[0] ?? ''];
    response.setHeader('content-type', 'application/json');
    if (answer === undefined) response.writeHead(404).end('{}');
    else if (answer instanceof WithHeaders)
      response.writeHead(200, answer.headers).end(JSON.stringify(answer.value));
    else response.end(JSON.stringify(answer));
  };
  const server =
    identity === undefined
      ? createServer(listener)
      : createSecureServer({ cert: identity.certPem, key: identity.keyPem }, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const standIn: JsonServer = {
    url: `${identity === undefined ? 'http://127.0.0.1' : 'https://localhost'}:${port}`,
    asked: [],
    answers,
    fault: null,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return standIn;
}

function spoil(response: ServerResponse, what: Fault): void {
  if (typeof what === 'object') response.writeHead(what.status).end('{"secret":"hunter2"}');
  else if (what === 'garbage') response.end('<!doctype html><title>hunter2</title>');
  else if (what === 'other-shape') response.end('{"hunter2":"hunter2","targets":7,"apps":"hunter2"}');
  else if (what === 'deep') response.end('['.repeat(100) + ']'.repeat(100));
  else if (what === 'endless') pour(response);
  else if (what === 'reset') response.destroy();
  else if (what === 'half') {
    response.writeHead(200, { 'content-length': '10000' }).write('[{"targets":["half.example.com"]},');
    setImmediate(() => response.destroy());
  }
}

/** Up to 100 MB of a JSON text. */
function pour(response: ServerResponse): void {
  const piece = `["${'x'.repeat(1_000_000)}"],`;
  let left = 100;
  response.on('close', () => {
    left = 0;
  });
  response.write('[');
  const more = (): void => {
    while (left > 0) {
      left -= 1;
      if (response.write(piece)) continue;
      response.once('drain', more);
      return;
    }
    response.end('0]');
  };
  more();
}
