// Paths: network ways to a target (DESIGN 2). URLs have a `pathname`; `path` always means this.

/** Matches `[a-z0-9-]+`. */
export type PathName = string & { readonly __brand: 'PathName' };

export const PATH_KINDS = ['cdn', 'origin', 'direct'] as const;
export type PathKind = (typeof PATH_KINDS)[number];

export interface NetworkPath {
  readonly name: PathName;
  readonly kind: PathKind;
  /** Where `origin` paths connect to; the target's name stays SNI and Host. Null for `cdn` and `direct`. */
  readonly address: { readonly host: string; readonly port: number } | null;
  /** Resolvers as `IP:port`, asked in order; `['system']` uses the operating system's. */
  readonly resolver: readonly string[];
  /** Header a proven answer carries (`cdn`), header it must not carry (`origin`, `direct`); lower case. */
  readonly proof: { readonly header: string | null; readonly absent: string | null };
  /** Ceiling on requests, or null. */
  readonly requestsPerDay: number | null;
  readonly family: 4 | 6 | null;
  readonly http: 1 | 2;
  /** Private and loopback addresses are allowed on `cdn` and `direct` (a laboratory, a LAN). */
  readonly private: boolean;
  /** `ca`, `cert`, `key` are PEM texts, already read. `verify: none` only on `origin`. */
  readonly tls: {
    readonly ca: readonly string[];
    readonly cert: string | null;
    readonly key: string | null;
    readonly verify: 'full' | 'none';
  };
  readonly labels: Readonly<Record<string, string>>;
  readonly firstCheck: string | null;
}
