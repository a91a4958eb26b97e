// Connections: one TCP and TLS handshake to one checked address, timed, never resumed. SNI and the name that the
// certificate must cover are the host's of the URL, whatever address is dialled.

import { connect as connectTcp, isIP, type Socket } from 'node:net';
import {
  connect as connectTls,
  createSecureContext,
  type DetailedPeerCertificate,
  getCACertificates,
  type SecureContext,
  TLSSocket,
} from 'node:tls';
import type { Clock } from '../base/clock.ts';
import type { NetworkPath } from '../model/network-path.ts';
import type { ProbeError, TlsFacts } from '../model/observation.ts';
import { createReadCertificate, type ReadCertificate } from './certificate.ts';
import { probeError, toProbeError } from './net-error.ts';

type PathTls = NetworkPath['tls'];

/** Where to connect, and as what. */
export interface Destination {
  /** Checked by the address guard; never a name. */
  readonly address: string;
  readonly port: number;
  /** Host of the URL, without brackets or a trailing dot. */
  readonly host: string;
  readonly secure: boolean;
  /** ALPN: 2 offers h2 before http/1.1, 1 offers http/1.1 alone. */
  readonly http: 1 | 2;
  /** Trust and client certificate of the path; null = the process's own trust. */
  readonly tls: PathTls | null;
}

/** How far a connection came. With an error the socket is gone; facts seen until then stay. */
export interface Connection {
  readonly socket: Socket | null;
  readonly connectMs: number | null;
  readonly tlsMs: number | null;
  readonly tls: TlsFacts | null;
  readonly error: ProbeError | null;
}

export type Dial = (destination: Destination, signal: AbortSignal) => Promise<Connection>;

/**
 * A dialler; never rejects. `ca` are further trusted roots (PEM) of paths without their own. When the signal aborts,
 * the phase it happened in fails with `connect-timeout` or `timeout`; whoever aborted knows better.
 */
export function createDial(tools: { readonly clock: Clock; readonly ca: readonly string[] }): Dial {
  const contextOf = createContexts(tools.ca);
  const readCertificate = createReadCertificate();

  return async (destination, signal) => {
    const socket = destination.secure
      ? connectSecurely(destination, contextOf(destination.tls))
      : connectTcp(tcpOptions(destination));
    const { connectMs, tlsMs, error } = await settled(socket, tools.clock, signal);
    const failed = { socket: null, connectMs, tlsMs, tls: null };
    if (error !== null) return { ...failed, error };
    if (!(socket instanceof TLSSocket)) return { ...failed, socket, error: null };
    const { facts, error: refusal } = examine(socket, destination, readCertificate);
    if (refusal !== null) socket.destroy();
    return { socket: refusal === null ? socket : null, connectMs, tlsMs, tls: facts, error: refusal };
  };
}

function tcpOptions({ address, port }: Destination) {
  return { host: address, port, autoSelectFamily: false, noDelay: true };
}

/** One socket for TCP and TLS: a second one around the first costs a twentieth of a probe. */
function connectSecurely(destination: Destination, secureContext: SecureContext): TLSSocket {
  const { host } = destination;
  const socket = connectTls({
    ...tcpOptions(destination),
    // RFC 6066 3: no IP addresses in SNI.
    servername: isIP(host) === 0 ? host : '',
    ALPNProtocols: destination.http === 2 ? ['h2', 'http/1.1'] : ['http/1.1'],
    // Not an off switch: Node still verifies the chain, and `examine` refuses the connection before the first byte of
    // ours. Only so can a bad certificate be shown: Node destroys the socket, and the facts, otherwise.
    rejectUnauthorized: false,
    // The name is checked by `examine`, on the certificate itself and more strictly.
    checkServerIdentity: () => undefined,
    secureContext,
  });
  socket.getPeerCertificate = noLegacyCertificate;
  return socket;
}

/**
 * Node turns the whole chain into plain objects for its name check, which costs a sixth of a probe
 * (reference/performance.md 6) for a check that `examine` does itself. Should Node ask another way one day, only the
 * speed is lost.
 */
function noLegacyCertificate(): DetailedPeerCertificate {
  return {} as DetailedPeerCertificate;
}

/** The certificate's facts, and why the connection must not be used. */
function examine(
  socket: TLSSocket,
  { host, tls }: Destination,
  readCertificate: ReadCertificate,
): { facts: TlsFacts | null; error: ProbeError | null } {
  const certificate = readCertificate(socket, host);
  const facts =
    certificate === null
      ? null
      : { ...certificate, protocol: socket.getProtocol() ?? '', cipher: socket.getCipher().name };
  if (tls?.verify === 'none') return { facts, error: null };
  if (!socket.authorized) return { facts, error: toProbeError(verifyError(socket), 'tls') };
  // Stricter than Node's own check, which takes a bare common name and `gr*.example.com` (threats M26, C4).
  const covered = facts !== null && facts.matchedName !== null;
  return { facts, error: covered ? null : probeError('tls', 'tls-wrong-host') };
}

/** Node gives the verification's code as a bare string, or an Error for a wrong name. */
function verifyError(socket: TLSSocket): object {
  const reason: unknown = socket.authorizationError;
  if (reason instanceof Error) return reason;
  return { code: typeof reason === 'string' ? reason : 'CERT_UNTRUSTED' };
}

/**
 * One secure context for each path's options, made at first use: a root list for each connection costs 12 ms and
 * a megabyte (reference/performance.md 6). A path's own `ca` replaces the general one, and both add to the system's.
 */
function createContexts(generalCa: readonly string[]): (tls: PathTls | null) => SecureContext {
  const make = (tls: PathTls | null): SecureContext => {
    const own = tls?.ca ?? [];
    const more = own.length > 0 ? own : generalCa;
    return createSecureContext({
      ...(more.length > 0 ? { ca: [...getCACertificates('default'), ...more] } : {}),
      ...(tls?.cert == null ? {} : { cert: tls.cert }),
      ...(tls?.key == null ? {} : { key: tls.key }),
    });
  };
  const made = new WeakMap<PathTls, SecureContext>();
  let general: SecureContext | null = null;
  return (tls) => {
    if (tls === null || (tls.ca.length === 0 && tls.cert === null)) {
      general ??= make(null);
      return general;
    }
    const context = made.get(tls) ?? make(tls);
    made.set(tls, context);
    return context;
  };
}

/** How far a socket came, and what went wrong. Errors that come later are swallowed. */
function settled(
  socket: Socket,
  clock: Clock,
  signal: AbortSignal,
): Promise<Pick<Connection, 'connectMs' | 'tlsMs' | 'error'>> {
  const { promise, resolve } = Promise.withResolvers<Pick<Connection, 'connectMs' | 'tlsMs' | 'error'>>();
  const secure = socket instanceof TLSSocket;
  const startMs = clock.monotonic();
  let connectMs: number | null = null;
  const finish = (error: ProbeError | null): void => {
    signal.removeEventListener('abort', stop);
    // For the socket's life: an error nobody listens to would end the process, and an alert after the handshake is
    // one that leaves the socket open.
    socket.on('error', end);
    socket.off('connect', connected).off('secureConnect', secured).off('error', fail).off('close', closed);
    if (error !== null) socket.destroy();
    const done = error === null && connectMs !== null && secure;
    resolve({ connectMs, tlsMs: done ? clock.monotonic() - startMs - (connectMs ?? 0) : null, error });
  };
  const phase = (): 'connect' | 'tls' => (connectMs === null ? 'connect' : 'tls');
  const stop = (): void => finish(probeError(phase(), phase() === 'connect' ? 'connect-timeout' : 'timeout'));
  const connected = (): void => {
    connectMs = clock.monotonic() - startMs;
    if (!secure) finish(null);
  };
  const secured = (): void => finish(null);
  const fail = (error: Error): void => finish(toProbeError(error, phase()));
  const closed = (): void => finish(probeError(phase(), 'reset'));
  // Before Node's own listener, which makes the keys of the handshake: they are not the network's time.
  socket.prependListener('connect', connected);
  if (secure) socket.on('secureConnect', secured);
  socket.on('error', fail).on('close', closed);
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return promise;
}

function end(this: Socket): void {
  this.destroy();
}
