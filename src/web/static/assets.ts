// The static files: a table in memory, so that no pathname of a request ever touches the disk (threats W7). Names
// carry a hash of the content, so that browsers may keep them for ever.

import { createHash } from 'node:crypto';
import { SCRIPT } from './script.ts';
import { STYLESHEET } from './stylesheet.ts';

export interface Asset {
  readonly type: string;
  readonly content: string;
}

export interface Assets {
  /** Pathnames for the pages to link. */
  readonly stylesheet: string;
  readonly script: string;
  readonly byPathname: ReadonlyMap<string, Asset>;
}

/** The stylesheet and the script, ready to serve. */
export function createAssets(): Assets {
  const stylesheet = `/static/page-${hash(STYLESHEET)}.css`;
  const script = `/static/page-${hash(SCRIPT)}.js`;
  return {
    stylesheet,
    script,
    byPathname: new Map([
      [stylesheet, { type: 'text/css; charset=utf-8', content: STYLESHEET }],
      [script, { type: 'text/javascript; charset=utf-8', content: SCRIPT }],
    ]),
  };
}

function hash(content: string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}
