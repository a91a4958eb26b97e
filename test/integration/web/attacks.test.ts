// Attacks on the web port as bytes on real sockets: names that lead out of the table, slow and many clients, requests
// that two parsers would read differently (threats W1, W7, W8).

import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { webSchema } from '../../../src/web/options.ts';
import { createWeb, type Web } from '../../../src/web/server.ts';
import { waitFor } from '../../support/wait.ts';
import { idleActions, readsOf, sessionsFull } from '../../support/web-snapshot.ts';

let web: Web;
let port: number;
let reloads = 0;
const problems: string[] = [];

beforeAll(async () => {
  const log = silentLog();
  web = createWeb({
    options: webSchema.parse({ listen: '127.0.0.1:0' }),
    clock: systemClock,
    log: Object.assign(log, { error: (_: unknown, text: string) => problems.push(text) }),
    reads: readsOf(sessionsFull),
    metrics: () => Promise.resolve(''),
    health: { ready: () => true },
    actions: {
      ...idleActions,
      reload: () => {
        reloads += 1;
        return Promise.resolve({ ok: true, problems: [] });
      },
    },
    demo: null,
  });
  ({ port } = await web.start());
});
afterAll(() => web.stop());

interface Client {
  readonly socket: Socket;
  answer: string;
  closed: boolean;
}

function client(text: string): Client {
  const socket = connect(port, '127.0.0.1', () => socket.write(text));
  const one: Client = { socket, answer: '', closed: false };
  socket.setEncoding('latin1').on('data', (data: string) => {
    one.answer += data;
  });
  socket
    .on('error', () => {})
    .on('close', () => {
      one.closed = true;
    });
  return one;
}

async function answerTo(text: string): Promise<string> {
  const one = client(text);
  await waitFor('the end', () => one.closed, { everyMs: 20, limitMs: 30_000 });
  return one.answer;
}

const get = (path: string, host = 'localhost'): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

describe('no name leads out of the tables, and none is a fault of ours', () => {
  const up = ['..', '%2e%2e', '%2e.', '..;', '%c0%ae%c0%ae', '%252e%252e', '..%00', '...'];
  const slash = ['/', '%2f', '\\', '%5c', '%252f', '//'];
  const ways = up.flatMap((dots) => slash.map((bar) => `${dots}${bar}`.repeat(4)));
  const places = ['/static/', '/checks/', '/incidents/', '/api/v1/incidents/', '/'];

  test.each(places)('below %s', async (place) => {
    const paths = [
      ...ways.map((way) => `${place}${way}etc/passwd`),
      `${place}%`,
      `${place}%E0%A4%A`,
      `${place}%ff`,
      `${place}${'x'.repeat(8_000)}`,
    ];
    const answers = await Promise.all(paths.map((path) => answerTo(get(path))));
    for (const [index, answer] of answers.entries()) {
      expect(`${paths[index]} ${answer.slice(0, 12)}`).toMatch(/ HTTP\/1\.1 (400|404|414|431)$/);
      expect(answer).not.toMatch(/root:/);
    }
    expect(problems).toEqual([]);
  });
});

describe('a request that could be read in two ways changes nothing', () => {
  const line = 'POST /-/reload HTTP/1.1\r\n';
  const rest = 'Connection: close\r\n\r\n';
  const cases: [what: string, text: string][] = [
    ['another site by a rebound name', `${line}Host: evil.example:${0}\r\n${rest}`],
    ['two hosts', `${line}Host: localhost\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n${rest}`],
    ['no host', `${line}${rest}`],
    ['a host with credentials', `${line}Host: localhost@evil.example\r\n${rest}`],
    [
      'a simple form of another site',
      `${line}Host: localhost\r\nOrigin: https://evil.example\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n${rest}`,
    ],
    [
      'a form without an origin',
      `${line}Host: localhost\r\nOrigin: null\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n${rest}`,
    ],
    [
      'a fetch that only says where it is from',
      `${line}Host: localhost\r\nSec-Fetch-Site: cross-site\r\n${rest}`,
    ],
    [
      'a sister page on another port',
      `${line}Host: 127.0.0.1:1\r\nOrigin: http://127.0.0.1:2\r\nSec-Fetch-Site: same-site\r\n${rest}`,
    ],
    ['a link that was followed', `${line}Host: localhost\r\nReferer: https://evil.example/\r\n${rest}`],
    ['a proxy', `${line}Host: localhost\r\nX-Forwarded-For: 203.0.113.9\r\n${rest}`],
    [
      'a method in disguise',
      `GET /-/reload HTTP/1.1\r\nHost: localhost\r\nX-HTTP-Method-Override: POST\r\n${rest}`,
    ],
    ['two lengths', `${line}Host: localhost\r\nContent-Length: 0\r\nContent-Length: 5\r\n${rest}`],
    [
      'a length and chunks',
      `${line}Host: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n${rest}0\r\n\r\n`,
    ],
    ['an absolute target', `POST http://evil.example/-/reload HTTP/1.1\r\nHost: localhost\r\n${rest}`],
    ['a method that nobody has', `PURGE /-/reload HTTP/1.1\r\nHost: localhost\r\n${rest}`],
    [
      'a preflight',
      `OPTIONS /-/reload HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n${rest}`,
    ],
  ];
  test.each(cases)('%s', async (_, text) => {
    const before = reloads;
    const answer = await answerTo(text);
    expect(answer).toMatch(/^HTTP\/1\.1 (400|401|403|404|405|421) /);
    expect(answer.toLowerCase()).not.toContain('access-control-allow');
    expect(reloads).toBe(before);
  });

  test('the same from this machine does', async () => {
    expect(await answerTo(`${line}Host: localhost\r\n${rest}`)).toMatch(/^HTTP\/1\.1 200 /);
    expect(reloads).toBeGreaterThan(0);
  });
});

describe('slow and many clients', () => {
  test('a head that drips is ended, and 600 connections leave room for those who come later', async () => {
    const drip = client('GET / HTTP/1.1\r\n');
    const dripping = setInterval(() => drip.socket.write('X: x\r\n'), 500);
    const crowd = Array.from({ length: 600 }, () => client(''));
    await waitFor(
      'those beyond 512 to be dropped',
      () => crowd.filter(({ closed }) => closed).length >= 600 - 512,
      { limitMs: 20_000 },
    );
    await waitFor('the dripping one to be ended', () => drip.closed, { limitMs: 30_000 });
    clearInterval(dripping);
    expect(drip.answer).toMatch(/^HTTP\/1\.1 408 |^$/);
    await waitFor('those who say nothing to be ended', () => crowd.every(({ closed }) => closed), {
      limitMs: 40_000,
    });
    expect(await answerTo(get('/livez'))).toMatch(/^HTTP\/1\.1 200 /);
  });
});
