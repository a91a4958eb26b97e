// What the daemon and the browser's child process tell each other: one schema for each way, at both doors. The child
// talks to hostile pages, so that what it says is foreign text until it has passed here.

import { z } from 'zod';
import { ERROR_CODES, FLOW_ENDS } from '../../model/observation.ts';

/** Longest texts, in characters. */
const NAME = 200;
const ADDRESS = 8_192;
const BODY = 1024 * 1024;
/** Artifacts, each (threats, section 6), as base64. */
const ARTIFACT = Math.ceil((2 * 1024 * 1024 * 4) / 3) + 4;
const MOST_EXCHANGES = 50;
const MOST_HEADERS = 512;

const milliseconds = z.number().min(0).max(3_600_000);
const dial = z.object({ host: z.string().max(NAME), port: z.int() });

/** A path as the child needs it: no client key, for a browser cannot be given one. */
const pathSchema = z.object({
  name: z.string(),
  kind: z.enum(['cdn', 'origin', 'direct']),
  address: dial.nullable(),
  resolver: z.array(z.string()),
  family: z.union([z.literal(4), z.literal(6)]).nullable(),
  private: z.boolean(),
  ca: z.array(z.string()),
});
export type WirePath = z.infer<typeof pathSchema>;

/** A host of the visit, with the path that leads to it. A name, or `*.name` for all below it. */
const routeSchema = z.object({ host: z.string().max(NAME), ports: z.array(z.int()), path: z.int().min(0) });
export type Route = z.infer<typeof routeSchema>;

const orderSchema = z.object({
  kind: z.literal('visit'),
  /** URL of the flow's file. */
  flow: z.string(),
  target: z.object({
    url: z.string(),
    host: z.string(),
    origin: z.string(),
    headers: z.record(z.string(), z.string()),
  }),
  gate: z.object({ url: z.string(), kind: z.enum(['authentik', 'oauth2-proxy', 'authelia', 'oidc']) }),
  username: z.string(),
  paths: z.array(pathSchema),
  routes: z.array(routeSchema),
  ca: z.array(z.string()),
  allowedAddresses: z.array(z.string()),
  browser: z.union([
    z.object({ executable: z.string(), sandbox: z.boolean() }),
    z.object({
      connect: z.string(),
      proxy: z.object({ listen: dial, address: z.string() }).nullable(),
    }),
  ]),
  userAgent: z.string(),
  /** For everything, the browser's start included. */
  timeoutMs: z.number(),
  bodyLimit: z.int(),
});
export type Order = z.infer<typeof orderSchema>;

/** To the child. */
export const toChildSchema = z.discriminatedUnion('kind', [
  orderSchema,
  z.object({ kind: z.literal('secret'), id: z.int(), value: z.string().nullable(), why: z.string() }),
]);
export type ToChild = z.infer<typeof toChildSchema>;

const errorSchema = z.object({
  phase: z.enum(['dns', 'connect', 'tls', 'request', 'headers', 'body', 'prober']),
  code: z.enum(ERROR_CODES),
  message: z.string().max(NAME * 2),
});

const exchangeSchema = z.object({
  url: z.url({ protocol: /^https?$/ }).max(ADDRESS),
  remote: z.object({ address: z.string().max(NAME), port: z.int() }).nullable(),
  resolver: z.string().max(NAME).nullable(),
  timings: z.object({
    dnsMs: milliseconds.nullable(),
    connectMs: milliseconds.nullable(),
    tlsMs: milliseconds.nullable(),
    firstByteMs: milliseconds.nullable(),
    transferMs: milliseconds.nullable(),
  }),
  status: z.int().min(100).max(999).nullable(),
  headers: z
    .array(z.tuple([z.string().max(NAME), z.string().max(64 * 1024)]))
    .max(MOST_HEADERS)
    .transform(
      (pairs) => Object.assign(Object.create(null), Object.fromEntries(pairs)) as Record<string, string>,
    ),
  setCookies: z
    .array(
      z.object({
        name: z.string().max(ADDRESS),
        raw: z.string().max(ADDRESS),
        deletes: z.boolean(),
        maxAgeMs: z.number().nullable(),
      }),
    )
    .max(64),
  sentCookies: z.array(z.string().max(ADDRESS)).max(200),
  body: z.string().max(BODY),
  bodyBytes: z.int().min(0),
  bodyTruncated: z.boolean(),
  error: errorSchema.nullable(),
});

const flowSchema = z.object({
  steps: z
    .array(
      z.object({
        name: z.string().max(NAME),
        durationMs: milliseconds,
        failed: z.string().max(NAME).nullable(),
      }),
    )
    .max(100),
  end: z.enum(FLOW_ENDS),
  detail: z.string().max(NAME),
  secretsSent: z.boolean(),
  clockSkewMs: z.number().nullable(),
  page: z.object({
    blank: z.boolean(),
    failedResources: z
      .array(
        z.object({
          url: z.string().max(NAME),
          type: z.string().max(NAME),
          status: z.int().nullable(),
          error: z.string().max(NAME).nullable(),
        }),
      )
      .max(20),
    consoleErrors: z.int().min(0),
    pageErrors: z.int().min(0),
  }),
});

/** Files of a failed visit; texts are redacted where they were made. */
const artifactsSchema = z.object({
  /** JPEG, base64. */
  screenshot: z.string().max(ARTIFACT).nullable(),
  /** JSON in the form of HAR 1.2. */
  exchanges: z.string().max(ARTIFACT),
  console: z.string().max(ARTIFACT),
});
export type Artifacts = z.infer<typeof artifactsSchema>;

/** From the child. */
export const fromChildSchema = z.discriminatedUnion('kind', [
  /** It can take an order. */
  z.object({ kind: z.literal('ready') }),
  /** A flow wants to type a secret. */
  z.object({ kind: z.literal('ask'), id: z.int(), what: z.enum(['password', 'code']) }),
  z.object({
    kind: z.literal('done'),
    /** Of the flow, without the start of the browser and the wait for a code. */
    durationMs: milliseconds,
    exchanges: z.array(exchangeSchema).max(MOST_EXCHANGES),
    stop: z.enum(['answer', 'error']),
    error: errorSchema.nullable(),
    flow: flowSchema,
    artifacts: artifactsSchema.nullable(),
  }),
  /** No browser, a flow that cannot be loaded, a fault of the child's: never the target's. */
  z.object({ kind: z.literal('fault'), message: z.string().max(NAME * 2) }),
]);
export type FromChild = z.input<typeof fromChildSchema>;
export type Done = Extract<z.output<typeof fromChildSchema>, { kind: 'done' }>;
