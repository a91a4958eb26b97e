// Options of a configured target and of `defaults:`, in the words of the configuration file (DESIGN 4 and 6).

import { z } from 'zod';
import { duration, flowName, httpUrl, labels, name } from '../base/schema.ts';
import { EXPECTATION_KINDS, type Expectation, type ExpectationKind } from '../model/target.ts';

const statusSchema = z.int().min(100).max(599);

const conditionsSchema = z
  .strictObject({
    is: z.enum(EXPECTATION_KINDS),
    status: z.union([statusSchema, z.array(statusSchema)]).default([]),
    location: z.string().min(1).max(2048).nullable().default(null),
    header: z
      .record(z.string().regex(/^[A-Za-z0-9-]+$/, { error: 'must be a header name' }), z.string())
      .default({}),
    contains: z.string().min(1).max(1024).nullable().default(null),
    'not-contains': z.string().min(1).max(1024).nullable().default(null),
  })
  .transform(
    (written): Expectation => ({
      is: written.is,
      status: [written.status].flat(),
      location: written.location,
      header: Object.fromEntries(
        Object.entries(written.header).map(([header, text]) => [header.toLowerCase(), text]),
      ),
      contains: written.contains,
      notContains: written['not-contains'],
    }),
  );

const expectationSchema = z.union([z.enum(EXPECTATION_KINDS).transform(plainExpectation), conditionsSchema]);

/** One expectation for all paths, or one for each named path. */
export type ExpectOption =
  | { readonly shape: 'one'; readonly expectation: Expectation }
  | { readonly shape: 'by-path'; readonly byPath: Readonly<Record<string, Expectation>> };

const expectSchema = z.union([
  z.enum(EXPECTATION_KINDS).transform((kind): ExpectOption => one(plainExpectation(kind))),
  conditionsSchema.transform((expectation): ExpectOption => one(expectation)),
  z.record(name(), expectationSchema).transform((byPath): ExpectOption => ({ shape: 'by-path', byPath })),
]);

function one(expectation: Expectation): ExpectOption {
  return { shape: 'one', expectation };
}

/** Expectation of a kind without conditions. */
export function plainExpectation(is: ExpectationKind): Expectation {
  return { is, status: [], location: null, header: {}, contains: null, notContains: null };
}

// Headers that decide what a visit is, how the message is framed, or that are for one hop alone (RFC 9110 7.6.1); a
// configured one would break the visit. Conditions and ranges make 304 and 206 of a right answer.
const OWN_HEADERS = new Set([
  'host',
  'cookie',
  'cookie2',
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'content-length',
  'transfer-encoding',
  'trailer',
  'accept-encoding',
  'upgrade',
  'http2-settings',
  'user-agent',
  'expect',
  'te',
  'range',
  'if-range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
]);
/** Headers a target may have beside our own. */
const MOST_HEADERS = 32;

const headersSchema = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, { error: 'must be a header name' })
      .refine((header) => !OWN_HEADERS.has(header.toLowerCase()), {
        error: 'is a header that gatewatch sets itself',
      }),
    z
      .string()
      .max(4096)
      .regex(/^[\t\x20-\x7e\xa0-\xff]*$/, {
        error: 'must be a header value: one line of printable characters',
      }),
  )
  .refine((headers) => Object.keys(headers).length <= MOST_HEADERS, {
    error: `must have at most ${MOST_HEADERS} headers`,
  })
  .refine(
    (headers) =>
      new Set(Object.keys(headers).map((name) => name.toLowerCase())).size === Object.keys(headers).length,
    {
      error: 'has a header twice, in different case',
    },
  );

// File names that CDNs cache without being told to (source: developers.cloudflare.com "Default cached file
// extensions"); a cached answer says nothing about what is behind the CDN.
const STATIC_EXTENSION =
  /\.(7z|avi|avif|apk|bin|bmp|bz2|class|css|csv|doc|docx|dmg|ejs|eot|eps|exe|flac|gif|gz|ico|iso|jar|jpe?g|js|mid|midi|mkv|mp3|mp4|ogg|otf|pdf|pict|pls|png|ppt|pptx|ps|rar|svgz?|swf|tar|tiff?|ttf|webm|webp|woff2?|xlsx?|zip|zst)$/i;

const targetUrlSchema = httpUrl().refine((url) => !STATIC_EXTENSION.test(URL.parse(url)?.pathname ?? ''), {
  error: 'names a static file, which a CDN answers from its cache; probe a page instead',
});

/** Longest time a probe may take, ms: every answer is bounded (DESIGN 10). */
const LONGEST_TIMEOUT_MS = 120_000;

const common = {
  gate: name().nullable().optional(),
  expect: expectSchema.optional(),
  paths: z.array(name()).min(1).optional(),
  timeout: duration({ maxMs: LONGEST_TIMEOUT_MS }).optional(),
  slow: duration({ maxMs: LONGEST_TIMEOUT_MS }).optional(),
  headers: headersSchema.optional(),
};

/** `defaults:`; everything may be left out. */
export const defaultsSchema = z.strictObject(common);

const targetMapSchema = z.strictObject({
  url: targetUrlSchema,
  ...common,
  every: duration().optional(),
  labels: labels().optional(),
  flow: flowName().optional(),
  wake: z.enum(['always', 'never']).optional(),
});

/** A target entry as parsed; what is left out comes from the defaults. */
export type TargetOption = z.output<typeof targetMapSchema>;

/** One entry of `targets:`: a URL, or a map with one. */
export const targetSchema = z.union([
  targetUrlSchema.transform((url): TargetOption => ({ url })),
  targetMapSchema,
]);
