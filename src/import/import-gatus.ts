// A Gatus configuration as pages. Source: github.com/TwiN/gatus, README, "Endpoints" and "Conditions", 4.0 to 5.x.

import { z } from 'zod';
import { parseDuration } from '../base/duration.ts';
import { ImportError, type Imported, type ImportedPage, type LeftOut, oneLine } from './imported.ts';
import { readYaml } from './yaml-file.ts';

const USUAL_SECONDS = 60;

const endpointSchema = z.object({
  name: z.string(),
  group: z.string().nullish(),
  enabled: z.boolean().nullish(),
  url: z.string(),
  method: z.string().nullish(),
  interval: z.string().nullish(),
  conditions: z.array(z.string()).nullish(),
  headers: z.record(z.string(), z.unknown()).nullish(),
  body: z.string().nullish(),
  client: z.record(z.string(), z.unknown()).nullish(),
  dns: z.unknown().optional(),
});
type Endpoint = z.output<typeof endpointSchema>;

const fileSchema = z.object({
  endpoints: z.array(z.unknown()).nullish(),
  /** The same before 3.0. */
  services: z.array(z.unknown()).nullish(),
  alerting: z.record(z.string(), z.unknown()).nullish(),
});

/** Reads a Gatus configuration; throws ImportError. */
export function importGatus(file: string): Imported {
  const parsed = fileSchema.safeParse(readYaml(file));
  const endpoints = parsed.data?.endpoints ?? parsed.data?.services;
  if (endpoints === undefined || endpoints === null)
    throw new ImportError('has no endpoints: it is none of Gatus');
  const pages: ImportedPage[] = [];
  const leftOut: LeftOut[] = [];
  for (const [index, written] of endpoints.entries()) {
    const endpoint = endpointSchema.safeParse(written);
    if (!endpoint.success) {
      const place = endpoint.error.issues[0]?.path.join('.') ?? '';
      throw new ImportError(`endpoint ${index + 1}: ${place} is not what it should be`);
    }
    const name = nameOf(endpoint.data);
    const why = unusable(endpoint.data);
    if (why !== null) leftOut.push({ name, why });
    else {
      const { page, parts } = pageFrom(endpoint.data, name);
      pages.push(page);
      leftOut.push(...parts.map((part) => ({ name, why: part })));
    }
  }
  for (const provider of Object.keys(parsed.data?.alerting ?? {}))
    leftOut.push({ name: oneLine(provider), why: 'is a receiver: see receivers: in the README' });
  return { tool: 'Gatus', pages, leftOut };
}

function nameOf({ name, group }: Endpoint): string {
  return oneLine(group === undefined || group === null || group === '' ? name : `${group}/${name}`);
}

function unusable({ url, enabled, dns }: Endpoint): string | null {
  if (enabled === false) return 'is not enabled';
  if (dns !== undefined && dns !== null) return 'asks a name server: only pages are watched';
  if (!/^https?:\/\//.test(url)) return 'is no http or https URL: only pages are watched';
  return url.includes('$') ? 'has a variable in its URL' : null;
}

function pageFrom(
  endpoint: Endpoint,
  name: string,
): { readonly page: ImportedPage; readonly parts: readonly string[] } {
  const read = (endpoint.conditions ?? []).map(conditionFrom);
  const intervalMs = endpoint.interval === undefined ? null : parseDuration(endpoint.interval ?? '');
  const page: ImportedPage = {
    name,
    url: endpoint.url.split('#')[0] ?? '',
    intervalSeconds: intervalMs === null ? USUAL_SECONDS : intervalMs / 1000,
    contains: read.find((one) => one.contains !== undefined)?.contains ?? null,
    notContains: read.find((one) => one.notContains !== undefined)?.notContains ?? null,
    statuses: read.flatMap(({ statuses }) => statuses ?? []),
    slowMs: read.find((one) => one.slowMs !== undefined)?.slowMs ?? null,
  };
  const method = (endpoint.method ?? 'GET').toUpperCase();
  return {
    page,
    parts: [
      ...(read.some(({ isUnknown }) => isUnknown) ? ['some of its conditions'] : []),
      ...(method === 'GET' ? [] : ['its method: pages are fetched by GET']),
      ...(hasEntries(endpoint.headers) || endpoint.body
        ? ['its headers or body: nothing secret is copied']
        : []),
      ...(hasEntries(endpoint.client) ? ['its client options'] : []),
    ],
  };
}

function hasEntries(map: Readonly<Record<string, unknown>> | null | undefined): boolean {
  return Object.keys(map ?? {}).length > 0;
}

interface Condition {
  readonly statuses?: readonly number[];
  readonly contains?: string;
  readonly notContains?: string;
  readonly slowMs?: number;
  readonly isUnknown?: boolean;
}

/** What a condition comes to; those that gatewatch holds by itself come to nothing. */
function conditionFrom(text: string): Condition {
  const [, left = '', operator = '', right = ''] =
    /^\s*(\[[A-Z_]+\])\s*(==|!=|<=|>=|<|>)\s*(.+?)\s*$/.exec(text) ?? [];
  const isBelow = operator.startsWith('<');
  switch (left) {
    case '[STATUS]':
      return statusCondition(operator, right);
    case '[BODY]':
      return bodyCondition(operator, right);
    case '[RESPONSE_TIME]':
      return isBelow && /^\d{1,6}$/.test(right) && Number(right) >= 100
        ? { slowMs: Math.min(Number(right), 120_000) }
        : { isUnknown: true };
    // Certificates are watched anyway, and a page that answers is connected.
    case '[CERTIFICATE_EXPIRATION]':
    case '[CONNECTED]':
      return {};
    default:
      return { isUnknown: true };
  }
}

function statusCondition(operator: string, right: string): Condition {
  const statuses = [...right.matchAll(/\d+/g)].map(([digits]) => Number(digits));
  const areStatuses = statuses.length > 0 && statuses.every((status) => status >= 100 && status <= 599);
  if (operator === '==' && areStatuses && /^(any\([\d,\s]+\)|\d{3})$/.test(right)) return { statuses };
  return operator.startsWith('<') && areStatuses ? {} : { isUnknown: true };
}

function bodyCondition(operator: string, right: string): Condition {
  const [, literal] = /^pat\(\*([^*?[\]\\]{1,1024})\*\)$/.exec(right) ?? [];
  if (literal === undefined) return { isUnknown: true };
  if (operator === '==') return { contains: literal };
  return operator === '!=' ? { notContains: literal } : { isUnknown: true };
}
