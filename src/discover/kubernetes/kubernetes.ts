// Source `kubernetes`: Ingress, Traefik's IngressRoute and Middleware, and Gateway API's HTTPRoute of a cluster,
// listed and then watched. Plain REST: the official client costs 80 MiB of memory at import and runs programs that a
// kubeconfig names.

import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../base/clock.ts';
import { httpUrl, name } from '../../base/schema.ts';
import type { Discoverer } from '../discoverer.ts';
import type { RecogniseGate } from '../gate-recognition.ts';
import type { FrontGate } from '../routing.ts';
import { sourceKeys } from '../source-options.ts';
import { type AccessOption, readAccess, SERVICE_ACCOUNT } from './access.ts';
import { WISHES } from './annotations.ts';
import { createClusterApi } from './api.ts';
import { clusterOf, collectionsOf, fillAll, followAll } from './collections.ts';
import { type ClusterHints, listingFromCluster } from './routes.ts';

const annotationSchema = z
  .string()
  .regex(/^[a-z0-9.-]{1,253}\/[A-Za-z0-9._-]{1,63}$|^[A-Za-z0-9._-]{1,63}$/, {
    error: 'must be the name of an annotation',
  });

export const kubernetesSchema = z
  .strictObject({
    kind: z.literal('kubernetes'),
    ...sourceKeys,
    kubeconfig: z.string().min(1).max(1024).optional(),
    context: z.string().min(1).max(253).optional(),
    url: httpUrl().optional(),
    'service-account': z.string().min(1).max(1024).optional(),
    annotations: z.partialRecord(z.enum(WISHES), annotationSchema).default({}),
    middlewares: z.record(z.string().max(512), name().nullable()).default({}),
    'entry-points': z.record(z.string().max(253), name()).optional(),
  })
  .refine(({ kubeconfig, url }) => kubeconfig === undefined || url === undefined, {
    error: 'the kubeconfig has the URL',
    path: ['url'],
  })
  .refine(({ kubeconfig, context }) => kubeconfig !== undefined || context === undefined, {
    error: 'a context needs a kubeconfig',
    path: ['context'],
  })
  .refine(({ url }) => url === undefined || url.startsWith('https:'), {
    error: 'must be an https URL: a token is sent there',
    path: ['url'],
  });

export interface KubernetesTools {
  readonly source: string;
  readonly folder: string;
  readonly clock: Clock;
  readonly userAgent: string;
  readonly recognise: RecogniseGate;
  readonly gates: readonly FrontGate[];
}

/** The source of an entry. */
export function createKubernetesSource(
  option: z.output<typeof kubernetesSchema>,
  tools: KubernetesTools,
): Discoverer {
  const { source, clock } = tools;
  const where = accessOption(option, tools.folder);
  const api = createClusterApi({ ...tools, access: () => readAccess(where, source) });
  const mapped = new Set(Object.values(option.annotations));
  const known = { source, mapped, clock, timeoutMs: option.timeout };
  const hints: ClusterHints = {
    gates: tools.gates,
    recognise: tools.recognise,
    annotations: option.annotations,
    middlewares: option.middlewares,
    entryPoints: option['entry-points'] ?? null,
  };
  return {
    view: 'proxy',
    async list(signal) {
      const collections = collectionsOf(api, known);
      await fillAll(collections, signal);
      return listingFromCluster(clusterOf(collections), hints);
    },
    async watch(push, signal) {
      const collections = collectionsOf(api, known);
      await fillAll(collections, signal);
      const tell = (): void => push(listingFromCluster(clusterOf(collections), hints));
      tell();
      await followAll(collections, tell, signal);
    },
    async [Symbol.asyncDispose]() {},
  };
}

function accessOption(option: z.output<typeof kubernetesSchema>, folder: string): AccessOption {
  if (option.kubeconfig !== undefined)
    return { kubeconfig: resolve(folder, option.kubeconfig), context: option.context ?? null };
  const account = resolve(folder, option['service-account'] ?? SERVICE_ACCOUNT.folder);
  return {
    url: option.url ?? SERVICE_ACCOUNT.url,
    tokenFile: join(account, 'token'),
    caFile: join(account, 'ca.crt'),
  };
}
