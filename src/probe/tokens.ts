// Bearer tokens of OAuth2 client credentials (RFC 6749 4.4): made at the identity provider, used until shortly before
// their end, in memory alone. The client's secret goes to the origin of the gate and nowhere else.

import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import type { Account, Credential } from '../model/account.ts';
import type { Gate } from '../model/gate.ts';
import type { NetworkPath } from '../model/network-path.ts';
import type { Exchange } from '../model/observation.ts';
import type { Exchanger, Limit } from './exchange.ts';
import { CANARY_BODY_LIMIT_BYTES } from './limits.ts';

/** A token is used for this share of its life, so that none dies on the way. */
const USED_SHARE = 0.9;
/** Life of a token that does not say: RFC 6749 leaves it out where it is agreed elsewhere. */
const DEFAULT_LIFE_S = 300;
const LONGEST_LIFE_S = 86_400;
/** After a refusal nothing is asked for so long, ms: a wrong secret must not be sent with every visit. */
const PAUSE_MS = 300_000;

const answerSchema = z.looseObject({
  // What a header can carry (RFC 6750 2.1).
  access_token: z
    .string()
    .max(8_192)
    .regex(/^[A-Za-z0-9._~+/=-]+$/),
  expires_in: z.number().positive().optional(),
});

type Client = Extract<Credential, { kind: 'client' }>;

/** A token; or what the provider answered instead, null where nothing was asked because of an earlier refusal. */
export type Minted =
  | { readonly token: string; readonly exchange: Exchange | null }
  | { readonly token: null; readonly exchange: Exchange | null };

export interface Tokens {
  /** The token of the account; asked for when there is none that is good. */
  token(
    account: Account,
    ask: {
      readonly client: Client;
      readonly gate: Gate;
      readonly path: NetworkPath | null;
      readonly limit: Limit;
    },
  ): Promise<Minted>;
}

export function createTokens(tools: {
  readonly clock: Clock;
  readonly exchanger: Exchanger;
  readonly userAgent: string;
}): Tokens {
  const { clock, exchanger, userAgent } = tools;
  const known = new Map<string, { readonly token: string | null; readonly until: number }>();
  const asking = new Map<string, Promise<Minted>>();

  const mint = async (name: string, client: Client, path: NetworkPath, limit: Limit): Promise<Minted> => {
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: client.id,
      client_secret: client.secret.reveal(),
      scope: client.scope,
    });
    const headers = {
      'user-agent': userAgent,
      accept: 'application/json',
      'accept-encoding': 'gzip, br',
      'content-type': 'application/x-www-form-urlencoded',
    };
    const exchange = await exchanger.get(
      {
        url: new URL(client.tokenUrl),
        headers,
        post: form.toString(),
        bodyLimitBytes: CANARY_BODY_LIMIT_BYTES,
      },
      path,
      limit,
    );
    const made = exchange.status === 200 ? answerOf(exchange.body) : null;
    const refused = exchange.status !== null && exchange.status >= 400 && exchange.status < 500;
    if (made !== null) {
      const lifeS = Math.min(made.expires_in ?? DEFAULT_LIFE_S, LONGEST_LIFE_S);
      known.set(name, { token: made.access_token, until: clock.monotonic() + lifeS * 1000 * USED_SHARE });
    } else if (refused) known.set(name, { token: null, until: clock.monotonic() + PAUSE_MS });
    return { token: made?.access_token ?? null, exchange };
  };
  return {
    async token({ name }, { client, gate, path, limit }) {
      const last = known.get(name);
      if (last !== undefined && clock.monotonic() < last.until) return { token: last.token, exchange: null };
      const url = URL.parse(client.tokenUrl);
      const mayGo = url?.protocol === 'https:' && url.origin === new URL(gate.url).origin;
      if (!mayGo || path === null || path.tls.verify === 'none') return { token: null, exchange: null };
      // Many visits are due at once, and one token is enough; who finds another asking waits for what comes of it.
      const running = asking.get(name);
      if (running !== undefined) return { ...(await running), exchange: null };
      const own = mint(name, client, path, limit).finally(() => asking.delete(name));
      asking.set(name, own);
      return own;
    },
  };
}

function answerOf(body: string): z.output<typeof answerSchema> | null {
  try {
    const parsed = answerSchema.safeParse(JSON.parse(body));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
