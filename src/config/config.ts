// The loaded configuration: finished nouns and the options of the rooms, nothing left to look up.

import type { LogLevel } from '../base/log.ts';
import type { Secret } from '../base/secret.ts';
import type { Account } from '../model/account.ts';
import type { Gate } from '../model/gate.ts';
import type { NetworkPath } from '../model/network-path.ts';
import type { Target } from '../model/target.ts';
import type { BrowserSettings } from '../probe/browser/options.ts';
import type { CheckRules } from '../schedule/options.ts';
import type { DiscoverConfig } from './discover-build.ts';
import type { Item, Section } from './schema.ts';

export interface Config {
  readonly vantage: string;
  readonly gates: readonly Gate[];
  /** At least one. */
  readonly paths: readonly NetworkPath[];
  /** Ids are unique. The static list, at least one without sources; in a Watch with what was discovered. */
  readonly targets: readonly Target[];
  readonly discover: DiscoverConfig;
  /** URLs outside the site. */
  readonly controls: readonly string[];
  /** Who signed-in visits sign in as. */
  readonly accounts: readonly Account[];
  readonly checks: CheckRules;
  readonly browser: BrowserSettings;
  readonly canaries: 'auto' | 'none';
  /** Target labels that are components. */
  readonly shared: readonly string[];
  readonly signatures: readonly Item<'signatures'>[];
  /** Planned work, in which no incident opens about what is covered. */
  readonly maintenance: readonly Item<'maintenance'>[];
  /** Alerts of others that say something, and about which component. */
  readonly evidence: readonly Item<'evidence'>[];
  readonly alerts: Section<'alerts'>;
  readonly watchdog: boolean;
  readonly heartbeat: { readonly url: Secret; readonly everyMs: number } | null;
  readonly receivers: readonly Item<'receivers'>[];
  readonly store: Section<'store'>;
  readonly web: Section<'web'>;
  /** Further trusted roots, PEM texts. */
  readonly ca: readonly string[];
  readonly logLevel: LogLevel;
}
