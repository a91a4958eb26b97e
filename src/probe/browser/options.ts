// Which browser is used, and what its visits may reach.

import type { Secret } from '../../base/secret.ts';

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
