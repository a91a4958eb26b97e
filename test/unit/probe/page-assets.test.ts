// What a page needs before it can be shown, as a browser would read it out of hostile and of ordinary markup.

import { describe, expect, test } from 'vitest';
import { assetsOf, importsOf } from '../../../src/probe/page-assets.ts';

const PAGE = new URL('https://auth.example.com/if/flow/login/?next=%2F');

function found(html: string): string[] {
  return assetsOf(html, PAGE).map(({ url, isModule }) => `${url.href}${isModule ? ' module' : ''}`);
}

const AT = 'https://auth.example.com';

describe('assets of a page', () => {
  const rows: [name: string, html: string, assets: string[]][] = [
    ['a script', '<script src="/a.js"></script>', [`${AT}/a.js`]],
    ['a module', `<script type='module' src='/a.js?v=1&amp;w=2#x'></script>`, [`${AT}/a.js?v=1&w=2 module`]],
    ['a style, unquoted, in capitals', '<LINK REL=stylesheet HREF=/a.css>', [`${AT}/a.css`]],
    [
      'a module that is loaded ahead',
      '<link rel=modulepreload href=b.js />',
      [`${AT}/if/flow/login/b.js module`],
    ],
    ['each once', '<script src=/a.js></script><script src="/a.js"></script>', [`${AT}/a.js`]],
    ['relative to a base', '<base href="/static/"><script src="a.js"></script>', [`${AT}/static/a.js`]],
    [
      'not of another origin',
      '<script src="https://captcha.example/a.js"></script><link rel=stylesheet href=//x/a.css>',
      [],
    ],
    ['not of an older browser', '<script nomodule src=/old.js></script>', []],
    ['not data in a script element', '<script type="application/json" src=/a.json></script>', []],
    [
      'not icons, alternates and what is switched off',
      '<link rel=icon href=/i.png><link rel="alternate stylesheet" href=/b.css><link rel=stylesheet disabled href=/c.css>',
      [],
    ],
    ['not in comments', '<!-- <script src=/a.js></script> --><script src=/b.js></script>', [`${AT}/b.js`]],
    [
      'not in the text of a script',
      `<script>const s = '<script src="/a.js">';</script><script src=/b.js></script>`,
      [`${AT}/b.js`],
    ],
    ['not for browsers without scripts', '<noscript><link rel=stylesheet href=/no.css></noscript>', []],
    [
      'not in templates and titles',
      '<title><script src=/t.js></title><template><script src=/u.js></script></template>',
      [],
    ],
    ['not without an address', '<script src></script><script src=" "></script><link rel=stylesheet>', []],
    ['not of an address that is none', '<script src="http://[/a.js"></script>', []],
    ['the first of two equal attributes', '<script src=/a.js src=/b.js></script>', [`${AT}/a.js`]],
    ['nothing after a comment without an end', '<!-- <script src=/a.js></script>', []],
    ['nothing of a text', 'a < b and script src=/a.js', []],
  ];
  test.each(rows)('%s', (_, html, assets) => {
    expect(found(html)).toEqual(assets);
  });

  const hostile: [string, string][] = [
    ['openings', '<'],
    ['comments', '<!--'],
    ['scripts without an end', '<script>'],
    ['attributes', ' a="'],
    ['empty tags', '<a '],
    ['quotes', `<link '`],
  ];
  test.each(hostile)('a page full of %s is read at once', (_, piece) => {
    const started = performance.now();
    found(piece.repeat(Math.ceil(65_536 / piece.length)));
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe('imports of a module', () => {
  const MODULE = new URL('https://auth.example.com/static/dist/flow/entry.js');
  const rows: [name: string, script: string, imports: string[]][] = [
    [
      'as bundlers write them',
      'import{a as b,c}from"../chunk-1.js";import"./chunk-2.js";var d=1;',
      ['/static/dist/chunk-1.js', '/static/dist/flow/chunk-2.js'],
    ],
    [
      'as people write them',
      "/* licence */\n// note\nimport React, * as all from '/react.js'\nimport { x,\n  y } from './x.js';\n",
      ['/react.js', '/static/dist/flow/x.js'],
    ],
    ['not those asked for later', 'import"./a.js";const p=()=>import("./b.js");', ['/static/dist/flow/a.js']],
    ['not strings that look like one', `const s = 'import "./a.js"';`, []],
    [
      'not bare names, nor other origins',
      'import"lit";import"https://x.example/a.js";import"./a.js"',
      ['/static/dist/flow/a.js'],
    ],
    ['none in a script without any', '"use strict";', []],
  ];
  test.each(rows)('%s', (_, script, imports) => {
    expect(importsOf(script, MODULE).map(({ pathname }) => pathname)).toEqual(imports);
  });

  test.each([['import '], ['import{'], ['/*'], ['//'], ['import"'], ['import a,']])(
    'a script full of `%s` is read at once',
    (piece) => {
      const started = performance.now();
      importsOf(piece.repeat(Math.ceil(65_536 / piece.length)), MODULE);
      expect(performance.now() - started).toBeLessThan(5_000);
    },
  );
});
