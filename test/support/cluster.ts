// A cluster's API server as far as discovery asks it: bearer tokens over TLS, lists in chunks, watches with bookmarks,
// and the ways in which a real one fails. Holds the recorded clusters of test/fixtures/discover.

import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Leaf } from '../../src/demo/certificates.ts';

/** A document of a collection. */
export interface Document {
  metadata: { name: string; namespace: string; [key: string]: unknown };
  [key: string]: unknown;
}

type Collections = Record<string, { items: Document[]; [key: string]: unknown }>;

/** A recorded cluster: collection -> list document. */
export function recordedCluster(file: string): Collections {
  return JSON.parse(readFileSync(`test/fixtures/discover/${file}`, 'utf8'));
}

interface Watcher {
  readonly path: string;
  readonly response: ServerResponse;
}

export class Cluster implements AsyncDisposable {
  readonly collections: Collections;
  /** Tokens that are let in. */
  tokens = new Set<string>(['first']);
  /** Objects a page at most, whatever is asked. */
  pageSize = 3;
  /** Statuses that are answered before anything else, one each. */
  readonly answersFirst: number[] = [];
  /** Answers nothing at all. */
  silent = false;
  /** Once, instead of the page behind a continue token. */
  expiresPage = false;
  readonly asked: { readonly url: string; readonly token: string }[] = [];
  readonly #server: ReturnType<typeof createServer>;
  #watchers: Watcher[] = [];
  #version = 1000;

  constructor(collections: Collections, leaf: Leaf) {
    this.collections = collections;
    this.#server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (request, response) =>
      this.#answer(request, response),
    );
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `https://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many watches are open. */
  get watches(): number {
    return this.#watchers.length;
  }

  put(path: string, document: Document): void {
    const { items } = this.collections[path]!;
    const at = items.findIndex((one) => isSame(one, document));
    if (at < 0) items.push(document);
    else items[at] = document;
    this.#send(path, at < 0 ? 'ADDED' : 'MODIFIED', document);
  }

  remove(path: string, name: string): void {
    const collection = this.collections[path]!;
    const gone = collection.items.find(({ metadata }) => metadata.name === name)!;
    collection.items = collection.items.filter((one) => one !== gone);
    this.#send(path, 'DELETED', gone);
  }

  bookmark(path: string): void {
    this.#send(path, 'BOOKMARK', { kind: 'Ingress', metadata: { name: '', namespace: '' } });
  }

  /** Tells every watch of a collection that its version is too old. */
  expire(path: string): void {
    const status = { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410 };
    this.#write(path, `${JSON.stringify({ type: 'ERROR', object: status })}\n`, true);
  }

  /** Writes text into every watch of a collection, as it is. */
  say(path: string, text: string): void {
    this.#write(path, text, false);
  }

  /** Ends the watches of a collection, as at their time-out. */
  endWatches(path: string): void {
    this.#write(path, '', true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #send(path: string, type: string, object: Document): void {
    this.#version += 1;
    const versioned = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
    this.#write(path, `${JSON.stringify({ type, object: versioned })}\n`, false);
  }

  #write(path: string, text: string, isEnd: boolean): void {
    for (const { response } of this.#watchers.filter((one) => one.path === path)) {
      response.write(text);
      if (isEnd) response.end();
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'https://localhost');
    const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
    this.asked.push({ url: request.url ?? '', token });
    if (this.silent) return;
    response.setHeader('content-type', 'application/json');
    const first = this.answersFirst.shift();
    const status =
      first ?? (!this.tokens.has(token) ? 401 : this.collections[url.pathname] === undefined ? 404 : 200);
    if (status !== 200) {
      response.writeHead(status).end(JSON.stringify({ kind: 'Status', code: status }));
    } else if (url.searchParams.has('watch')) this.#watch(url.pathname, response);
    else this.#page(url, response);
  }

  #watch(path: string, response: ServerResponse): void {
    const watcher = { path, response };
    this.#watchers.push(watcher);
    response.on('close', () => {
      this.#watchers = this.#watchers.filter((one) => one !== watcher);
    });
    response.writeHead(200);
    response.flushHeaders();
  }

  #page(url: URL, response: ServerResponse): void {
    const { items, ...list } = this.collections[url.pathname]!;
    const from = Number(url.searchParams.get('continue') ?? 0);
    if (from > 0 && this.expiresPage) {
      this.expiresPage = false;
      response.writeHead(410).end(JSON.stringify({ kind: 'Status', reason: 'Expired', code: 410 }));
      return;
    }
    const to = from + Math.min(this.pageSize, Number(url.searchParams.get('limit') ?? 500));
    const more = to < items.length ? { continue: String(to), remainingItemCount: items.length - to } : {};
    const metadata = { resourceVersion: String(this.#version), ...more };
    response.end(JSON.stringify({ ...list, metadata, items: items.slice(from, to) }));
  }
}

function isSame(one: Document, other: Document): boolean {
  return one.metadata.name === other.metadata.name && one.metadata.namespace === other.metadata.namespace;
}
