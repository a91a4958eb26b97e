// Hostile servers whose HTTP/1.1 is sound and whose contents are not: redirects, cookies, texts.

import { byPath, EVIL_BYTES, EVIL_TEXT, type HostileServer, http1, say } from './hostile-answer.ts';
import { BAD, head, many, OK, PAGE, page, redirect, TIMEOUT } from './hostile-words.ts';

const REDIRECT = { login: 'down wrong-login' };
const to = (name: string, location: string | Buffer): HostileServer =>
  http1(`redirect to ${name}`, say(redirect(location)), 'up', REDIRECT);

const REDIRECTS: readonly HostileServer[] = [
  http1(
    'redirect loop',
    byPath((path) => redirect(path === '/a' ? '/b' : '/a')),
    'down gate-redirect-loop',
  ),
  http1(
    'redirect to itself',
    byPath(() => redirect('')),
    'down gate-redirect-loop',
  ),
  http1(
    'redirect to itself with a growing query',
    byPath((path) => redirect(`${path}?x=${'y'.repeat(path.length)}`)),
    'down gate-redirect-loop',
  ),
  http1(
    'redirects without end, dripped',
    (socket) => {
      socket.once('data', () => {
        const timer = setTimeout(() => socket.end(redirect('/next')), 400);
        socket.once('close', () => clearTimeout(timer));
      });
    },
    TIMEOUT,
  ),
  to('file:', 'file:///etc/passwd'),
  to('javascript:', 'javascript:alert(1)'),
  to('gopher:', 'gopher://127.0.0.1:25/_HELO'),
  to('data:', 'data:text/html,<script>1</script>'),
  to('userinfo', 'https://admin:secret@app.site.test/'),
  to('the host as userinfo', 'https://app.site.test@evil.test/'),
  to('//host', '//evil.test/'),
  to('\\\\host', '\\\\evil.test\\'),
  to('plain http', 'http://app.site.test/'),
  to('another port', 'https://app.site.test:8443/'),
  to('port 25', 'https://app.site.test:25/'),
  to('the metadata service', 'http://169.254.169.254/latest/meta-data/'),
  to('the metadata service by https', 'https://169.254.169.254/'),
  to('a decimal address', 'https://2130706433/'),
  to('an octal address', 'https://0177.0.0.1/'),
  to('a hexadecimal address', 'https://0x7f.1/'),
  to('IPv6 loopback', 'https://[::1]/'),
  to('a mapped address', 'https://[::ffff:169.254.169.254]/'),
  to('markup', Buffer.concat([Buffer.from('https://evil.test/'), EVIL_BYTES])),
  http1(
    'redirect to a location of 64 KiB',
    say(redirect(`https://evil.test/${'x'.repeat(65_000)}`)),
    'up',
    REDIRECT,
  ),
  http1(
    'redirect to a location of more',
    say(redirect(`https://evil.test/${'x'.repeat(66_000)}`), 'wait'),
    BAD,
  ),
  http1('redirect to no URL', say(redirect('https://[nonsense')), 'up', { login: 'down wrong-content' }),
  http1('redirect to nothing', say('HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n'), 'up', {
    login: 'down wrong-content',
  }),
];

const cookie = (line: string): string => `set-cookie: ${line}`;

const COOKIES: readonly HostileServer[] = [
  http1('thousands of cookies', say(`${OK}${many(5_000, (n) => cookie(`c${n}=v`))}\r\n`, 'wait'), BAD),
  http1('500 cookies', say(head(...Array.from({ length: 500 }, (_, n) => cookie(`c${n}=v`)))), 'up', PAGE),
  http1('cookie of 60 KB', say(head(cookie(`c=${'x'.repeat(60_000)}`))), 'up', PAGE),
  http1(
    'cookies with control bytes',
    say(
      head(
        Buffer.from('set-cookie: a=\x9b', 'latin1'),
        Buffer.concat([Buffer.from('set-cookie: '), EVIL_BYTES, Buffer.from('=1')]),
      ),
    ),
    'up',
    PAGE,
  ),
  http1(
    'cookies for foreign domains',
    say(
      head(
        cookie('a=1; Domain=evil.test'),
        cookie('b=1; Domain=test'),
        cookie('__Host-c=1; Domain=site.test'),
      ),
    ),
    'up',
    PAGE,
  ),
  http1(
    'cookies named as prototypes',
    say(head(cookie('__proto__=1'), cookie('constructor=1; Path=__proto__'))),
    'up',
    PAGE,
  ),
  http1(
    'cookies of impossible age',
    say(
      head(
        cookie('a=1; Max-Age=1e308'),
        cookie('b=1; Max-Age=-1e308'),
        cookie('c=1; Expires=Fri, 01 Jan 275760 00:00:00 GMT'),
      ),
    ),
    'up',
    PAGE,
  ),
  http1(
    'cookies set again at each hop',
    byPath((path) =>
      path.length > 3
        ? head()
        : Buffer.concat([
            Buffer.from(`HTTP/1.1 302 Found\r\nlocation: ${path}x\r\n`),
            Buffer.from(many(60, (n) => cookie(`c${path.length}${n}=${'v'.repeat(500)}`))),
            Buffer.from('content-length: 0\r\n\r\n'),
          ]),
    ),
    'unknown prober-fault',
  ),
];

/** Evil text as each part of a cookie: what is in front of it, and behind. */
const COOKIE_PARTS: readonly (readonly [part: string, before: string, after: string])[] = [
  ['name', '', '=v; Path=/'],
  ['value', 'a=', '; Path=/'],
  ['quoted value', 'a="', '"'],
  ['Domain', 'a=v; Domain=', ''],
  ['Path', 'a=v; Path=/', ''],
  ['Expires', 'a=v; Expires=', ''],
  ['Max-Age', 'a=v; Max-Age=', ''],
  ['SameSite', 'a=v; SameSite=', ''],
  ['an unknown attribute', 'a=v; ', ''],
  ["the gate's own cookie", 'authentik_proxy_', '=v'],
];

const EVIL_COOKIES: readonly HostileServer[] = COOKIE_PARTS.map(([part, before, after]) => {
  const line = Buffer.concat([Buffer.from(`set-cookie: ${before}`), EVIL_BYTES, Buffer.from(after)]);
  return http1(`evil text in a cookie: ${part}`, say(head(line)), 'up', PAGE);
});

const TEXTS: readonly HostileServer[] = [
  http1(
    'evil text in every header',
    say(
      head(
        ...[
          'server',
          'via',
          'content-type',
          'x-powered-by',
          'cf-cache-status',
          'retry-after',
          'date',
          'age',
          'etag',
          'www-authenticate',
        ].map((name) => Buffer.concat([Buffer.from(`${name}: `), EVIL_BYTES])),
      ),
    ),
    'up',
    PAGE,
  ),
  http1('evil text in title and body', say(page(`<title>${EVIL_TEXT}</title>${EVIL_TEXT}`)), 'up', PAGE),
  http1(
    'evil reason phrase',
    say(
      Buffer.concat([
        Buffer.from('HTTP/1.1 200 '),
        EVIL_BYTES,
        Buffer.from('\r\ncontent-length: 2\r\n\r\nok'),
      ]),
    ),
    'up',
    PAGE,
  ),
  http1(
    'Retry-After in a trillion seconds',
    say('HTTP/1.1 429 Slow\r\nretry-after: 1000000000000\r\ncontent-length: 0\r\n\r\n'),
    'unknown blocked',
  ),
  http1(
    'Date in the year 275760',
    say(head('date: Sat, 13 Sep 275760 00:00:00 GMT', 'expires: -1')),
    'up',
    PAGE,
  ),
  http1('Age that is none', say(head('age: x')), 'up', PAGE),
  http1('Age of 30 digits', say(head(`age: ${'9'.repeat(30)}`)), 'up', PAGE),
  http1(
    'headers named as prototypes',
    say(head('__proto__: a', 'constructor: b', 'toString: c', 'hasOwnProperty: d')),
    'up',
    PAGE,
  ),
  http1(
    'charset UTF-7',
    say(page('+ADw-script+AD4-', 'content-type: text/html; charset=utf-7\r\n')),
    'up',
    PAGE,
  ),
  http1(
    'charset UTF-16',
    say(
      page(
        Buffer.from('\ufeff<title>login</title>', 'utf16le'),
        'content-type: text/html; charset=utf-16\r\n',
      ),
    ),
    'up',
    PAGE,
  ),
  http1(
    'overlong UTF-8',
    say(page(Buffer.from([0xc0, 0xaf, 0xe0, 0x80, 0xaf, 0xf8, 0x88, 0x80, 0x80, 0x80]))),
    'up',
    PAGE,
  ),
  http1(
    'BOM, NUL and lone surrogates',
    say(page(Buffer.from([0xef, 0xbb, 0xbf, 0x00, 0xed, 0xa0, 0x80, 0x3c]))),
    'up',
    PAGE,
  ),
  http1(
    'charset without end',
    say(page('x', `content-type: text/html; charset=${'"'.repeat(9_999)}\r\n`)),
    'up',
    PAGE,
  ),
  http1('a title without end', say(page(`<title${' '.repeat(99_999)}`)), 'up', PAGE),
];

export const CONTENT_SERVERS: readonly HostileServer[] = [
  ...REDIRECTS,
  ...COOKIES,
  ...EVIL_COOKIES,
  ...TEXTS,
];
