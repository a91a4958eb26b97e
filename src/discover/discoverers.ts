// The table of sources: what each kind's configuration is, and how it is made. A new kind is a file and two lines here.

import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { authorizationOf, type HttpAuth } from '../base/http-auth.ts';
import { createJsonHttp, type JsonHttp } from '../base/json-http.ts';
import { authentikSchema, createAuthentikSource } from './authentik.ts';
import { caddySourceSchema, createCaddySource } from './caddy.ts';
import type { Discoverer } from './discoverer.ts';
import { createFileSource, fileSchema } from './file.ts';
import type { RecogniseGate } from './gate-recognition.ts';
import { createGatewatchSource, gatewatchSchema } from './gatewatch.ts';
import { createHttpSdSource, httpSdSchema } from './http-sd.ts';
import { createKubernetesSource, kubernetesSchema } from './kubernetes/kubernetes.ts';
import type { FrontGate } from './routing.ts';
import { createTraefikSource, traefikSchema } from './traefik.ts';
import { createUptimeKumaSource, uptimeKumaSchema } from './uptime-kuma.ts';

/** One entry of `discover:`. */
export const discoverSchema = z.discriminatedUnion('kind', [
  fileSchema,
  httpSdSchema,
  kubernetesSchema,
  traefikSchema,
  authentikSchema,
  uptimeKumaSchema,
  caddySourceSchema,
  gatewatchSchema,
]);
export type DiscoverOption = z.output<typeof discoverSchema>;

/** What sources need beside their options. */
export interface SourceTools {
  readonly clock: Clock;
  readonly userAgent: string;
  /** Further trusted roots, PEM. */
  readonly ca: readonly string[];
  /** Where relative file names begin: the folder of the configuration. */
  readonly folder: string;
  readonly recognise: RecogniseGate;
  readonly gates: readonly FrontGate[];
}

/** The source of an entry; `source` is its name, for messages. Nothing is asked before `list`. */
export function createDiscoverer(option: DiscoverOption, source: string, tools: SourceTools): Discoverer {
  switch (option.kind) {
    case 'file':
      return createFileSource(option, { ...tools, source });
    case 'http_sd':
      return createHttpSdSource(option, { source, http: httpOf(option.auth ?? null, tools) });
    case 'kubernetes':
      return createKubernetesSource(option, { ...tools, source });
    case 'traefik':
      return createTraefikSource(option, { ...tools, source, http: httpOf(option.auth ?? null, tools) });
    case 'authentik':
      return createAuthentikSource(option, { ...tools, source, http: httpOf(option.auth ?? null, tools) });
    case 'uptime-kuma':
      return createUptimeKumaSource(option, { ...tools, source });
    case 'caddy':
      return createCaddySource(option, { ...tools, source, http: httpOf(option.auth ?? null, tools) });
    case 'gatewatch':
      return createGatewatchSource(option, { source, http: httpOf(option.auth ?? null, tools) });
  }
}

function httpOf(auth: HttpAuth | null, { ca, userAgent }: SourceTools): JsonHttp {
  return createJsonHttp({ authorization: () => authorizationOf(auth), ca, userAgent });
}
