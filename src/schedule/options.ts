// Options of `checks:`, in the words of the configuration file (DESIGN 3 and 6).

import { z } from 'zod';
import { duration, flowName, httpUrl, name } from '../base/schema.ts';
import type { NetworkPath } from '../model/network-path.ts';
import { targetId } from '../model/target.ts';

/** How often what is visited. */
export interface CheckRules {
  /** Interval of `return` visits (and of everything that costs no session) in ms, by path name or kind. */
  readonly returnEvery: Readonly<Record<string, number>>;
  /** Wanted interval of each fresh visit of a gate's targets, ms; null = as often as the budget allows. */
  readonly freshEveryMs: number | null;
  /** Interval of `session` visits in ms, by path name or kind. */
  readonly sessionEvery: Readonly<Record<string, number>>;
  /** Name of the account of `session` visits; null = the first one of the target's gate. */
  readonly sessionAccount: string | null;
  /** Wanted time between two logins over one gate and path, ms. */
  readonly loginEveryMs: number;
  /** Ids of the targets of `login` visits; null = all, in turn. */
  readonly loginTargets: readonly string[] | null;
  /** Name of the account of `login` visits; null = the first one of the target's gate that has a password. */
  readonly loginAccount: string | null;
  /** Logins in a browser; null = none. */
  readonly browser: BrowserRules | null;
}

export interface BrowserRules {
  /** Wanted time between two of them over one gate and path, ms. */
  readonly everyMs: number;
  /** Name of a flow that ships, or a file; of targets that name none. URL of the file once it is looked up. */
  readonly flow: string;
  /** Ids of the targets; null = all, in turn. */
  readonly targets: readonly string[] | null;
  /** Name of the account; null = the first one of the target's gate that has a password. */
  readonly account: string | null;
}

/** Through the CDN requests may be billed or capped; straight to the origin they are ours alone (DESIGN 3). */
const DEFAULT_RETURN_EVERY = { cdn: 300_000, origin: 60_000, direct: 60_000 };

/** With an account's six logins an hour, two paths of one gate have their turn in less. */
const DEFAULT_LOGIN_EVERY_MS = 30 * 60_000;
const DEFAULT_BROWSER_EVERY_MS = 60 * 60_000;

const everySchema = z
  .union([
    duration().transform((everyMs) => ({ cdn: everyMs, origin: everyMs, direct: everyMs })),
    z.record(z.string(), duration()),
  ])
  .transform((written): Record<string, number> => ({ ...DEFAULT_RETURN_EVERY, ...written }));

/** `checks:` as far as it is built. */
export const checksSchema = z
  .strictObject({
    return: z.strictObject({ every: everySchema.default(DEFAULT_RETURN_EVERY) }).optional(),
    fresh: z.strictObject({ every: z.union([z.literal('auto'), duration()]).default('auto') }).optional(),
    session: z
      .strictObject({ every: everySchema.default(DEFAULT_RETURN_EVERY), account: name().optional() })
      .optional(),
    login: z
      .strictObject({
        every: duration({ minMs: 60_000 }).default(DEFAULT_LOGIN_EVERY_MS),
        targets: z.array(httpUrl()).min(1).optional(),
        account: name().optional(),
      })
      .optional(),
    browser: z
      .strictObject({
        every: duration({ minMs: 60_000 }).default(DEFAULT_BROWSER_EVERY_MS),
        flow: flowName().default('authentik'),
        targets: z.array(httpUrl()).min(1).optional(),
        account: name().optional(),
      })
      .transform(
        ({ every, flow, targets, account }): BrowserRules => ({
          everyMs: every,
          flow,
          targets: targets?.map((url) => targetId(new URL(url))) ?? null,
          account: account ?? null,
        }),
      )
      .nullable()
      .optional(),
  })
  .transform(
    (written): CheckRules => ({
      returnEvery: written.return?.every ?? DEFAULT_RETURN_EVERY,
      freshEveryMs:
        written.fresh === undefined || written.fresh.every === 'auto' ? null : written.fresh.every,
      sessionEvery: written.session?.every ?? DEFAULT_RETURN_EVERY,
      sessionAccount: written.session?.account ?? null,
      loginEveryMs: written.login?.every ?? DEFAULT_LOGIN_EVERY_MS,
      loginTargets: written.login?.targets?.map((url) => targetId(new URL(url))) ?? null,
      loginAccount: written.login?.account ?? null,
      browser: written.browser ?? null,
    }),
  );

/** Interval of what costs no session on a path, ms: by its name, else by its kind. */
export function returnEveryMs(rules: CheckRules, path: NetworkPath): number {
  return everyOn(rules.returnEvery, path);
}

/** Interval of `session` visits on a path, ms: by its name, else by its kind. */
export function sessionEveryMs(rules: CheckRules, path: NetworkPath): number {
  return everyOn(rules.sessionEvery, path);
}

function everyOn(every: Readonly<Record<string, number>>, path: NetworkPath): number {
  return every[path.name] ?? every[path.kind] ?? DEFAULT_RETURN_EVERY[path.kind];
}
