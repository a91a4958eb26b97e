// Which configured gate a proxy asks: by the addresses in `gates[].forward-auth`. Other forward-auth services (bot
// blockers, payment walls) are no gates.

/** A gate and the addresses at which proxies ask it. */
export interface KnownGate {
  readonly name: string;
  readonly forwardAuth: readonly string[];
}

/** Name of the gate that a forward-auth address belongs to, or null: it is none that we know. */
export type RecogniseGate = (address: string) => string | null;

/**
 * Recognises addresses by scheme, host, port and the beginning of the pathname. `host:port` without a scheme is
 * http. A cluster's own names may be written short or in full: `proxy.auth`, `proxy.auth.svc` and
 * `proxy.auth.svc.cluster.local` are one.
 */
export function recogniserOf(gates: readonly KnownGate[]): RecogniseGate {
  const known = gates.flatMap(({ name, forwardAuth }) =>
    forwardAuth.flatMap((address) => {
      const place = placeOf(address);
      return place === null ? [] : [{ name, ...place }];
    }),
  );
  return (address) => {
    const asked = placeOf(address);
    if (asked === null) return null;
    const one = known.find(
      ({ origin, pathname }) =>
        origin === asked.origin && (asked.pathname === pathname || asked.pathname.startsWith(`${pathname}/`)),
    );
    return one?.name ?? null;
  };
}

function placeOf(address: string): { readonly origin: string; readonly pathname: string } | null {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `http://${address}`);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return null;
  const host = url.hostname.replace(/\.svc(\.cluster\.local)?\.?$/, '');
  const port = url.port === '' ? (url.protocol === 'http:' ? '80' : '443') : url.port;
  return { origin: `${url.protocol}//${host}:${port}`, pathname: url.pathname.replace(/\/+$/, '') };
}
