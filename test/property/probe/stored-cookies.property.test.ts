// The cookies of a URL, found by the index, are the ones that tough-cookie finds by its own search.

import fc from 'fast-check';
import { Cookie } from 'tough-cookie';
import { expect, test } from 'vitest';
import { StoredCookies } from '../../../src/probe/stored-cookies.ts';

const OPTIONS = { seed: 20260418, interruptAfterTimeLimit: 10_000, numRuns: 1_000 };

const host = fc.constantFrom(
  'example.com',
  'a.example.com',
  'b.a.example.com',
  'ample.com',
  'example.co.uk',
  'a.example.co.uk',
  'co.uk',
  'site.test',
  'a.site.test',
  'xn--bcher-kva.example',
  'a.example.com.',
  '127.0.0.1',
  '[::1]',
  'localhost',
  '1.example.com',
);
const pathname = fc.constantFrom('/', '/deep', '/deep/page', '/deeper', '/a%20b', '/%', '/a%2Fb');
const url = fc
  .tuple(fc.constantFrom('https', 'http'), host, pathname)
  .map(([scheme, name, rest]) => `${scheme}://${name}${rest}`);
const line = fc
  .tuple(
    fc.constantFrom('a', 'b', '__Host-c', '__Secure-d'),
    fc.constantFrom(
      '',
      '; Domain=example.com',
      '; Domain=.a.example.com',
      '; Domain=co.uk',
      '; Domain=site.test',
    ),
    fc.constantFrom('', '; Path=/', '; Path=/deep', '; Path=/deep/', '; Path=/a b'),
    fc.constantFrom('', '; Secure', '; HttpOnly', '; SameSite=Strict'),
    fc.constantFrom('', '; Max-Age=0', '; Max-Age=60'),
  )
  .map(([name, ...attributes]) => `${name}=v${attributes.join('')}`);

test('the same cookies, whatever was set where', () => {
  let found = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(line, url), { minLength: 3, maxLength: 20 }),
      fc.array(url),
      (set, asked) => {
        const stored = new StoredCookies();
        for (const [raw, from] of set) {
          const cookie = Cookie.parse(raw);
          if (cookie !== undefined) stored.jar.setCookieSync(cookie, from, { ignoreError: true });
        }
        for (const one of [...asked, ...set.map(([, from]) => from)]) {
          const expected = stored.jar.getCookiesSync(one, { expire: false });
          expect(new Set(stored.for(one))).toEqual(new Set(expected));
          found += expected.length;
        }
      },
    ),
    OPTIONS,
  );
  expect(found).toBeGreaterThan(1_000);
});
