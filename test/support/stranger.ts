// A stranger's single request, as plain as curl sends it: a new connection to a chosen address, nothing followed.

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';

export interface Answer {
  readonly status: number;
  /** Lower-case names; repeated ones joined by `, `; without date and connection. */
  readonly headers: Readonly<Record<string, string>>;
  readonly setCookie: readonly string[];
  readonly body: string;
}

/** GET (or `method`) of `url` at `address` (`host:port`); the URL's host is Host and SNI. Rejects as Node does. */
export async function visit(
  url: string,
  options: {
    address: string;
    ca: string;
    headers?: Readonly<Record<string, string>>;
    method?: string;
    body?: string;
  },
): Promise<Answer> {
  const { hostname, pathname, search, host } = new URL(url);
  const [address, port] = options.address.split(':');
  const sent = request({
    host: address,
    port,
    path: `${pathname}${search}`,
    servername: hostname,
    ca: options.ca,
    agent: false,
    method: options.method ?? 'GET',
    headers: { host, accept: 'text/html', ...options.headers },
    signal: AbortSignal.timeout(10_000),
  });
  sent.end(options.body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  const { 'set-cookie': setCookie = [] } = response.headers;
  return {
    status: response.statusCode ?? 0,
    headers: joined(response.rawHeaders),
    setCookie,
    body: Buffer.concat(chunks).toString(),
  };
}

const LEFT_OUT = new Set(['date', 'connection', 'keep-alive', 'set-cookie']);

function joined(rawHeaders: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    const value = rawHeaders[index + 1]!;
    if (!LEFT_OUT.has(name))
      headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return headers;
}
