// Source `gatewatch`: the targets of another gatewatch, for a vantage that must not have a list of its own. It gets
// expectations, gates and paths by name: those that it does not have itself are left out.

import { z } from 'zod';
import type { JsonHttp } from '../base/json-http.ts';
import { EXPECTATION_KINDS } from '../model/target.ts';
import { decoded, discoveryError } from './decode.ts';
import type { Discoverer, Found, Note } from './discoverer.ts';
import { AUTH_IN_CLEAR, keepsAuthSecret, serverKeys, sourceKeys } from './source-options.ts';
import { placeOf } from './target-group.ts';

export const gatewatchSchema = z
  .strictObject({ kind: z.literal('gatewatch'), ...sourceKeys, ...serverKeys })
  .refine(keepsAuthSecret, AUTH_IN_CLEAR);

const targetsSchema = z.object({
  targets: z.array(
    z.object({
      id: z.string(),
      url: z.string(),
      gate: z.string().nullable(),
      paths: z.array(z.string()),
      expect: z.record(z.string(), z.enum(EXPECTATION_KINDS)),
      labels: z.record(z.string(), z.string()),
    }),
  ),
});

/** Lists what the other one watches, also what that one has discovered itself. */
export function createGatewatchSource(
  { url }: z.output<typeof gatewatchSchema>,
  { source, http }: { readonly source: string; readonly http: JsonHttp },
): Discoverer {
  return {
    view: 'list',
    async list(signal) {
      try {
        const { value } = await http.get(`${url.replace(/\/+$/, '')}/api/v1/targets`, signal);
        return listingOf(decoded(targetsSchema, value, source, 'answer'));
      } catch (error) {
        throw discoveryError(source, 'list targets', error);
      }
    },
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

function listingOf({ targets }: z.output<typeof targetsSchema>): { found: Found[]; notes: Note[] } {
  const found: Found[] = [];
  const notes: Note[] = [];
  for (const { id, url, gate, paths, expect, labels } of targets) {
    const object = `target ${id}`;
    const place = placeOf(url);
    if ('why' in place) {
      notes.push({ object, why: place.why });
      continue;
    }
    found.push({
      object,
      ...place,
      expect,
      gate,
      paths,
      wake: 'always',
      labels: {},
      owner: null,
      createdAt: null,
      wishes: Object.keys(labels).length === 0 ? {} : { labels },
    });
  }
  return { found, notes };
}
