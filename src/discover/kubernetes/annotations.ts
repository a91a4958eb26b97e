// What people write on their objects about being watched: `gatewatch.dev/…`, or the annotations a site already has,
// by the map of the configuration. These are wishes; merge.ts decides which of them count (DESIGN 10).

import { EXPECTATION_KINDS } from '../../model/target.ts';
import type { Note, Wishes } from '../discoverer.ts';
import type { Meta } from './objects.ts';

/** What annotations can ask for. */
export const WISHES = ['watch', 'expect', 'pathname', 'paths', 'labels'] as const;

/** Wish -> the site's own annotation for it. */
export type AnnotationMap = Readonly<Partial<Record<(typeof WISHES)[number], string>>>;

const NO = new Set(['false', 'no', 'off', '0', 'disabled']);
const MOST_ENTRIES = 16;

/** The wishes of an object; what cannot be read is noted and asks for nothing. */
export function wishesOf(
  meta: Meta,
  object: string,
  map: AnnotationMap,
): { readonly wishes: Wishes; readonly notes: readonly Note[] } {
  const written = (wish: (typeof WISHES)[number]): string | undefined => {
    const own = meta.annotations[`gatewatch.dev/${wish}`];
    const mapped = map[wish];
    return (own ?? (mapped === undefined ? undefined : meta.annotations[mapped]))?.trim();
  };
  const notes: Note[] = [];
  const unreadable = (wish: string): undefined => {
    notes.push({ object, why: `has an annotation for ${wish} that cannot be read` });
  };
  const watch = written('watch');
  const expect = expectOf(written('expect'), unreadable);
  const pathname = pathnameOf(written('pathname'), unreadable);
  const paths = pathsOf(written('paths'), unreadable);
  const labels = labelsOf(written('labels'), unreadable);
  const wishes: Wishes = {
    ...(watch === undefined ? {} : { watch: !NO.has(watch.toLowerCase()) }),
    ...(expect === undefined ? {} : { expect }),
    ...(pathname === undefined ? {} : { pathname }),
    ...(paths === undefined ? {} : { paths }),
    ...(labels === undefined ? {} : { labels }),
  };
  return { wishes, notes };
}

type Unreadable = (wish: string) => undefined;

function expectOf(text: string | undefined, unreadable: Unreadable): Wishes['expect'] {
  if (text === undefined) return undefined;
  return EXPECTATION_KINDS.find((kind) => kind === text) ?? unreadable('expect');
}

function pathnameOf(text: string | undefined, unreadable: Unreadable): string | undefined {
  if (text === undefined) return undefined;
  return text.startsWith('/') ? text : unreadable('pathname');
}

function pathsOf(text: string | undefined, unreadable: Unreadable): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const names = text.split(',').map((name) => name.trim());
  const areNames = names.length <= MOST_ENTRIES && names.every((name) => /^[a-z0-9-]{1,63}$/.test(name));
  return areNames ? names : unreadable('paths');
}

function labelsOf(
  text: string | undefined,
  unreadable: Unreadable,
): Readonly<Record<string, string>> | undefined {
  if (text === undefined) return undefined;
  const entries = text.split(',').map((entry) => /^\s*([a-zA-Z_]\w{0,127})=(.{0,128}?)\s*$/.exec(entry));
  const labels = Object.fromEntries(
    entries.flatMap((entry) => (entry === null ? [] : [[entry[1], entry[2]]])),
  );
  return entries.length <= MOST_ENTRIES && !entries.includes(null) ? labels : unreadable('labels');
}
