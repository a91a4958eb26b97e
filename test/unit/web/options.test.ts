// web: of the configuration.

import { expect, test } from 'vitest';
import { webSchema } from '../../../src/web/options.ts';

test('is a loopback listener without anything else by default', () => {
  expect(webSchema.parse({})).toEqual({
    listen: { host: '127.0.0.1', port: 10_780 },
    url: null,
    hosts: [],
    auth: null,
  });
});

test('reads addresses, names and credentials', () => {
  const options = webSchema.parse({
    listen: '[::]:80',
    url: 'https://watch.example.com/',
    hosts: ['Gatewatch.svc'],
    auth: {
      basic: { username: 'ops', password: 'correct horse battery' },
      tokens: [{ name: 'ci', token: '0123456789abcdef', may: ['run', 'reload'] }],
    },
  });
  expect(options.listen).toEqual({ host: '::', port: 80 });
  expect(options.url).toBe('https://watch.example.com');
  expect(options.hosts).toEqual(['gatewatch.svc']);
  expect(options.auth?.tokens[0]?.may.has('reload')).toBe(true);
  expect(JSON.stringify(options)).not.toMatch(/correct horse|0123456789/);
});

const long = '0123456789abcdef';

test.each([
  [{ listen: 'localhost:80' }, 'IP address'],
  [{ listen: '127.0.0.1' }, 'IP address'],
  [{ listen: '127.0.0.1:70000' }, 'IP address'],
  [{ url: 'ftp://example.com' }, 'http or https'],
  [{ url: 'https://user:pw@example.com' }, 'without credentials'],
  [{ url: 'https://example.com/watch' }, 'pathname'],
  [{ hosts: ['https://example.com'] }, 'host name'],
  [{ auth: {} }, 'basic, tokens'],
  [{ auth: { basic: { username: 'a:b', password: long } } }, 'without colon'],
  [{ auth: { basic: { username: 'a', password: 'short' } } }, 'at least 12'],
  [{ auth: { tokens: [{ name: 'ci', token: long, may: [] }] } }, '>=1'],
  [{ auth: { tokens: [{ name: 'ci', token: long, may: ['everything'] }] } }, 'run'],
  [
    {
      auth: {
        tokens: [
          { name: 'ci', token: long, may: ['run'] },
          { name: 'ci', token: long, may: ['run'] },
        ],
      },
    },
    'differ',
  ],
  [{ 'status-page': {} }, 'not built yet'],
  [{ tls: {} }, 'Unrecognized'],
])('refuses %j', (value, message) => {
  const parsed = webSchema.safeParse(value);
  expect(parsed.success).toBe(false);
  expect(parsed.error?.message).toContain(message);
  expect(parsed.error?.message).not.toContain(long);
});
