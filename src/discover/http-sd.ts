// Source `http_sd`: a server that answers Prometheus' target groups
// (prometheus.io/docs/prometheus/latest/http_sd). An answer without groups is an empty list, and not believed at once.

import { z } from 'zod';
import type { JsonHttp } from '../base/json-http.ts';
import { discoveryError } from './decode.ts';
import type { Discoverer } from './discoverer.ts';
import { AUTH_IN_CLEAR, keepsAuthSecret, serverKeys, sourceKeys } from './source-options.ts';
import { listingFromGroups } from './target-group.ts';

export const httpSdSchema = z
  .strictObject({ kind: z.literal('http_sd'), ...sourceKeys, ...serverKeys })
  .refine(keepsAuthSecret, AUTH_IN_CLEAR);

/** Lists the groups that the URL answers. */
export function createHttpSdSource(
  { url }: z.output<typeof httpSdSchema>,
  { source, http }: { readonly source: string; readonly http: JsonHttp },
): Discoverer {
  return {
    view: 'list',
    async list(signal) {
      try {
        const { value } = await http.get(url, signal);
        return listingFromGroups(value, source, 'answer');
      } catch (error) {
        throw discoveryError(source, 'list targets', error);
      }
    },
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}
