// A stand-in for receivers on a port of loopback: it answers by a script and keeps a ledger of what came in.

import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Parsed JSON, or the text. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of several shapes
  readonly body: any;
}

/**
 * status   answers with that status, and `body` (default empty)
 * hang     never answers
 * reset    closes the connection
 * half     begins an answer with 200 and closes the connection in the middle of it
 * stuck    begins an answer with 200 and never ends it
 * drip     sends a byte of its answer now and then
 * noise    says something that is not HTTP
 */
export type Behaviour =
  | { readonly status: number; readonly body?: string; readonly headers?: Record<string, string> }
  | 'hang'
  | 'reset'
  | 'half'
  | 'stuck'
  | 'drip'
  | 'noise';

export interface ReceiverStandIn extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Every request, in order. */
  readonly requests: Received[];
  /** What is answered from now on; a function decides by request. */
  answer: Behaviour | ((request: Received) => Behaviour);
  /** Resolves when the ledger fulfils the condition. */
  until(condition: (requests: readonly Received[]) => boolean): Promise<void>;
}

/** Starts a receiver that answers 200 until told otherwise. */
export async function receiver(options: { port?: number } = {}): Promise<ReceiverStandIn> {
  const requests: Received[] = [];
  const waiting = new Set<() => void>();
  const standIn = { answer: { status: 200 } as ReceiverStandIn['answer'] };
  const server = createServer(async (request, response) => {
    const received = await readRequest(request);
    requests.push(received);
    const behaviour = typeof standIn.answer === 'function' ? standIn.answer(received) : standIn.answer;
    respond(response, behaviour);
    for (const look of waiting) look();
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(standIn, {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    until: (condition: (requests: readonly Received[]) => boolean) =>
      new Promise<void>((resolve) => {
        const look = (): void => {
          if (!condition(requests)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

async function readRequest(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // Kept as text.
  }
  return { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
}

function respond(response: ServerResponse, behaviour: Behaviour): void {
  switch (behaviour) {
    case 'hang':
      return;
    case 'reset':
      response.destroy();
      return;
    case 'half':
      response.writeHead(200, { 'content-length': '100' }).write('{"half":');
      setImmediate(() => response.destroy());
      return;
    case 'stuck':
      response.writeHead(200, { 'content-length': '100' }).write('{"half":');
      return;
    case 'drip': {
      response.writeHead(200, { 'content-length': '1000' });
      const timer = setInterval(() => response.write(' '), 200);
      response.on('close', () => clearInterval(timer));
      return;
    }
    case 'noise':
      response.socket?.end('220 mail.example.com ESMTP\r\n\r\n');
      return;
    default:
      response.writeHead(behaviour.status, behaviour.headers);
      response.end(behaviour.body ?? '');
  }
}
