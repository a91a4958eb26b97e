// Browser visits to the demo site without the daemon around them: a site whose login can be set, and a check of it.

import { Secret as Base32, TOTP } from 'otpauth';
import { systemClock } from '../../src/base/clock.ts';
import { Secret } from '../../src/base/secret.ts';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { LoginSetup } from '../../src/demo/login-flow.ts';
import { type Site, startSite } from '../../src/demo/site.ts';
import type { AccountName } from '../../src/model/account.ts';
import { type Check, checkId } from '../../src/model/check.ts';
import type { Gate } from '../../src/model/gate.ts';
import type { NetworkPath } from '../../src/model/network-path.ts';
import type { Target } from '../../src/model/target.ts';
import { USER_AGENT } from '../../src/pipeline.ts';
import type { ArtifactFiles } from '../../src/probe/browser/artifact-files.ts';
import { type Browser, createBrowser, type HandOut } from '../../src/probe/browser/browser.ts';
import { type BrowserSettings, LOCAL_BROWSER } from '../../src/probe/browser/options.ts';

const AUTHENTIK_FLOW = new URL('../../probes/authentik.flow.ts', import.meta.url).href;

/** No second factor: a code is good once in thirty seconds. */
const NO_CODE: Partial<LoginSetup> = { totp: false };

/** Everything of a visit that a test may want otherwise. */
export interface Wish {
  readonly flow?: string;
  readonly settings?: Partial<BrowserSettings>;
  readonly handOut?: HandOut;
  readonly artifacts?: ArtifactFiles;
  readonly timeoutMs?: number;
  readonly headers?: Record<string, string>;
}

type Seen = Awaited<ReturnType<Browser['visit']>>;

/** One visit to a target behind a gate. */
export function browserVisit(
  subject: {
    readonly target: Target;
    readonly path: NetworkPath;
    readonly gate: Gate;
    readonly paths: readonly NetworkPath[];
    readonly ca: readonly string[];
    readonly username: string;
  },
  wish: Wish & { readonly handOut: HandOut },
): Promise<Seen> {
  const { target, path, gate, paths, ca, username } = subject;
  const { timeoutMs = 90_000, headers = {} } = wish;
  const browser = createBrowser({
    clock: systemClock,
    settings: { ...LOCAL_BROWSER, ...wish.settings },
    paths,
    ca,
    allowedAddresses: addressesOf(paths),
    userAgent: USER_AGENT,
    handOut: wish.handOut,
    ...(wish.artifacts === undefined ? {} : { artifacts: wish.artifacts }),
  });
  const check: Check = {
    kind: 'visit',
    id: checkId('browser', path.name, target.id),
    visit: 'browser',
    links: [],
    everyMs: null,
    timeoutMs,
    target: { ...target, headers },
    path,
    gate,
    account: {
      name: 'monitor' as AccountName,
      gate: gate.name,
      credential: { kind: 'password', username, password: new Secret('not asked for'), totp: null },
      hosts: [target.host],
      denied: [],
    },
    flow: wish.flow ?? AUTHENTIK_FLOW,
    expect: target.expect[path.name]!,
    costsSession: true,
  };
  return browser.visit(check, { signal: AbortSignal.timeout(timeoutMs), timeoutMs, stopped: () => false });
}

function addressesOf(paths: readonly NetworkPath[]): Set<string> {
  const all = paths.flatMap(({ address }) => (address === null ? [] : [address]));
  return new Set(all.flatMap(({ host, port }) => [host, `${host}:${port}`]));
}

export interface LoginSite extends AsyncDisposable {
  readonly site: Site;
  readonly config: Config;
  /** How people log in from now on. */
  setup(login: Partial<LoginSetup>): void;
  /** A visit with the site's own credentials unless told otherwise. */
  visit(path: 'cdn' | 'origin', wish?: Wish & { readonly host?: string }): Promise<Seen>;
}

export async function startLoginSite(denied: readonly string[] = []): Promise<LoginSite> {
  let login: Partial<LoginSetup> = NO_CODE;
  const ports = { edge: 0, origin: 0, dns: 0 };
  const site = await startSite({ clock: systemClock, ports, login: () => login, denied });
  const config = loadConfig({ file: 'config/demo.yaml' }, site.environment).config;
  const username = site.environment['GATEWATCH_DEMO_USERNAME'] ?? '';
  return {
    site,
    config,
    setup(wanted) {
      login = { ...NO_CODE, ...wanted };
    },
    visit(name, { host = 'grafana.lab.test', ...wish } = {}) {
      const { paths, ca, gates } = config;
      const target = config.targets.find((one) => one.host === host)!;
      const path = paths.find((one) => one.name === name)!;
      const gate = gates[0]!;
      return browserVisit({ target, path, gate, paths, ca, username }, { handOut: handOutOf(site), ...wish });
    },
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  };
}

/** The site's own credentials. */
function handOutOf({ environment }: Site): HandOut {
  return async (_, what) => {
    if (what === 'password') return { value: environment['GATEWATCH_DEMO_PASSWORD'] ?? '' };
    const secret = Base32.fromBase32(environment['GATEWATCH_DEMO_TOTP'] ?? '');
    return { value: new TOTP({ secret }).generate() };
  };
}
