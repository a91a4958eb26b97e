// Options of `paths:`, in the words of the configuration file, and the paths they make (DESIGN 2, 3 and 6).

import { isIP } from 'node:net';
import { z } from 'zod';
import { labels, oneOrMany, rate } from '../base/schema.ts';
import { type NetworkPath, PATH_KINDS, type PathKind, type PathName } from '../model/network-path.ts';

/** Address and port of `203.0.113.10:443`, `[2001:db8::1]:443`, `host`, `host:8443`; null when it is neither. */
function parseAddress(text: string, defaultPort: number): { host: string; port: number } | null {
  if (isIP(text) !== 0) return { host: text, port: defaultPort };
  const [, bracketed, plain, digits] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host === undefined || port < 1 || port > 65_535) return null;
  if (bracketed !== undefined && isIP(bracketed) !== 6) return null;
  return /^[0-9.]+$/.test(host) && isIP(host) !== 4 ? null : { host: host.toLowerCase(), port };
}

const addressSchema = z.string().refine((text) => parseAddress(text, 443) !== null, {
  error: 'must be an address with a port, such as 203.0.113.10:443',
});

const resolverSchema = z.string().refine((text) => text === 'system' || resolverAddress(text) !== null, {
  error: 'must be an IP address, with :port if it is not 53, or "system"',
});

const headerName = z.string().regex(/^[A-Za-z0-9-]+$/, { error: 'must be a header name' });

/** One entry of `paths:`. */
export const pathSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9-]+$/, { error: 'must match [a-z0-9-]+' })
      .max(63),
    kind: z.enum(PATH_KINDS),
    address: addressSchema.optional(),
    resolver: oneOrMany(resolverSchema).optional(),
    proof: z
      .strictObject({ header: headerName.nullable().optional(), absent: headerName.nullable().optional() })
      .optional(),
    requests: rate().nullable().default(null),
    family: z
      .union([z.literal(4), z.literal(6)])
      .nullable()
      .default(null),
    http: z.union([z.literal(1), z.literal(2)]).default(1),
    private: z.boolean().default(false),
    tls: z
      .strictObject({
        ca: oneOrMany(z.string()).optional(),
        cert: z.string().optional(),
        key: z.string().optional(),
        verify: z.enum(['full', 'none']).default('full'),
      })
      .optional(),
    labels: labels().default({}),
    'first-check': z.string().max(500).nullable().default(null),
  })
  .superRefine((path, context) => {
    const complain = (key: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [key], message });
    if (path.kind === 'origin' && path.address === undefined)
      complain('address', 'is required for kind origin');
    if (path.kind !== 'origin' && path.address !== undefined) complain('address', 'is only for kind origin');
    if (path.kind !== 'origin' && path.tls?.verify === 'none')
      complain('tls', 'verify: none is only for kind origin');
    if (path.resolver !== undefined && path.resolver.length > 1 && path.resolver.includes('system')) {
      complain('resolver', '"system" cannot stand beside addresses');
    }
    if (path.resolver !== undefined && path.resolver.length === 0)
      complain('resolver', 'must name a resolver');
    if ((path.tls?.cert === undefined) !== (path.tls?.key === undefined))
      complain('tls', 'needs both cert and key');
  });
export type PathOption = z.output<typeof pathSchema>;

const DAY_MS = 86_400_000;
/** Public resolvers of two operators (DESIGN 3, Names). */
const DEFAULT_RESOLVERS: Record<PathKind, readonly string[]> = {
  cdn: ['1.1.1.1:53', '9.9.9.9:53'],
  direct: ['1.1.1.1:53', '9.9.9.9:53'],
  origin: ['system'],
};
/** Cloudflare's own mark (DESIGN 3, Path proof). */
const DEFAULT_MARK = 'cf-ray';

/** The path of an entry; `tls` holds the texts of the files it names. */
export function pathFromOption(option: PathOption, tls: NetworkPath['tls']): NetworkPath {
  const { proof } = option;
  const cdn = option.kind === 'cdn';
  const header = proof?.header === undefined ? (cdn ? DEFAULT_MARK : null) : proof.header;
  const absent = proof?.absent === undefined ? (cdn ? null : DEFAULT_MARK) : proof.absent;
  return {
    name: option.name as PathName,
    kind: option.kind,
    address: option.address === undefined ? null : parseAddress(option.address, 443),
    resolver: option.resolver?.map((text) => resolverAddress(text) ?? text) ?? DEFAULT_RESOLVERS[option.kind],
    proof: { header: header?.toLowerCase() ?? null, absent: absent?.toLowerCase() ?? null },
    requestsPerDay: option.requests === null ? null : Math.round(option.requests * DAY_MS),
    family: option.family,
    http: option.http,
    private: option.private,
    tls,
    labels: option.labels,
    firstCheck: option['first-check'],
  };
}

/** `IP:port` of a resolver, port 53 unless given; null when it is no IP address. */
function resolverAddress(text: string): string | null {
  const address = parseAddress(text, 53);
  if (address === null || isIP(address.host) === 0) return null;
  return isIP(address.host) === 6 ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
