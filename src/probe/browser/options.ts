// `browser:` of the configuration: which browser, and what its visits may reach.

import { z } from 'zod';
import { Secret } from '../../base/secret.ts';

const hostPattern = z
  .string()
  .max(253)
  .regex(/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$/, { error: 'must be a host name in lower case, or *.name' });

const endpoint = z
  .string()
  .max(2048)
  .refine((text) => /^(wss?|https?):$/.test(URL.parse(text)?.protocol ?? ''), {
    error: 'must be a ws, wss, http or https URL',
  });

const address = z.string().regex(/^[A-Za-z0-9.-]+:\d{1,5}$/, { error: 'must be host:port' });

export interface BrowserSettings {
  /** `auto`, or a file. */
  readonly executable: string;
  /** Endpoint of a remote browser; a secret, for whoever knows it commands the browser. */
  readonly connect: Secret | null;
  /** `host:port` at which the remote browser reaches our proxy; null = by loopback. */
  readonly proxy: string | null;
  /** Hosts beside target and gate that pages may load from. */
  readonly hosts: readonly string[];
}

/** A browser of this machine. */
export const LOCAL_BROWSER: BrowserSettings = { executable: 'auto', connect: null, proxy: null, hosts: [] };

/** `browser:`. */
export const browserSchema = z
  .strictObject({
    executable: z
      .string()
      .min(1)
      .default('auto')
      .describe('the browser to start: auto looks for Chromium’s headless shell, then for Chromium'),
    connect: endpoint
      .transform((text) => new Secret(text))
      .nullable()
      .default(null)
      .describe('a remote browser instead: a Playwright server or a DevTools endpoint'),
    proxy: address
      .nullable()
      .default(null)
      .describe('address and port at which a remote browser reaches gatewatch’s own proxy'),
    hosts: z.array(hostPattern).default([]).describe('further hosts that pages of a login may load from'),
  })
  .transform((written): BrowserSettings => written);
