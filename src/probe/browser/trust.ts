// Trust in private authorities. Chromium takes no root from a command line, and what it does take from a file needs
// tools of NSS that an image would have to bring. So each https host of the visit is asked for its certificate first,
// by the connection of every other probe: verified against `tls.ca` of path and configuration, by name and date. The
// keys of those certificates, and only they, are named to Chromium as good. Who can answer with such a key can also
// show the certificate that was just verified: nothing becomes possible that was not before.

import { createHash, X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import type { NetworkPath } from '../../model/network-path.ts';
import { presented } from '../certificate.ts';
import type { Dial } from '../dial.ts';
import { hostOf, type Locate } from '../locate.ts';

/** SHA-256 of the public keys of verified certificates, base64; empty where only the system's roots are trusted. */
export async function verifiedKeys(
  hosts: readonly { readonly url: URL; readonly path: NetworkPath }[],
  tools: { readonly ca: readonly string[]; readonly locate: Locate; readonly dial: Dial },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const asked = hosts
    .filter(({ url, path }) => url.protocol === 'https:' && (tools.ca.length > 0 || path.tls.ca.length > 0))
    .map(async ({ url, path }) => {
      const { addresses, port } = await tools.locate(url, path, signal);
      const [address] = addresses;
      if (address === undefined) return null;
      const host = hostOf(url);
      const { socket } = await tools.dial(
        { address, port, host, secure: true, http: 1, tls: path.tls },
        signal,
      );
      if (socket === null) return null;
      const key = socket instanceof TLSSocket ? keyOf(socket) : null;
      socket.destroy();
      return key;
    });
  return [...new Set((await Promise.all(asked)).filter((key) => key !== null))];
}

function keyOf(socket: TLSSocket): string | null {
  const { raw } = presented(socket);
  if (raw === undefined) return null;
  const key = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('base64');
}
