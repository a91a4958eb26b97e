// Legal but doubtful values. A warning never quotes a value; costs and components that cannot be told apart are
// warned of by schedule/cost.ts and schedule/identifiability.ts.

import { systemClock } from '../base/clock.ts';
import type { Target } from '../model/target.ts';
import { accountWarnings } from './account-references.ts';
import type { Config } from './config.ts';
import type { KeyPath } from './document.ts';
import { maintenanceWarnings } from './maintenance-warnings.ts';
import { isRecord } from './not-built.ts';
import type { Finding } from './problem.ts';

type Raw = Readonly<Record<string, unknown>>;

/** Everything faster loads people's services for no gain: alerts wait 15 s for a second look anyway. */
const FASTEST_MS = 10_000;

/** Doubtful things in a configuration that loads. */
export function warningsOf(config: Config, raw: Raw, isReferred: (path: KeyPath) => boolean): Finding[] {
  return [
    ...literalSecrets(raw, [], isReferred),
    ...controlWarnings(config),
    ...intervalWarnings(config),
    ...webWarnings(config),
    ...receiverWarnings(config),
    ...targetWarnings(config),
    ...pathWarnings(config),
    ...sharedWarnings(config),
    ...maintenanceWarnings(config, systemClock.now()),
    ...accountWarnings(config),
    ...discoverWarnings(config, raw),
    ...(config.receivers.length === 0
      ? [{ path: ['receivers'], message: 'no receiver is configured: nobody will be told of an incident' }]
      : []),
  ];
}

const SECRET_KEY =
  /(^|-)(password|passwd|token|secret|authorization|credentials?|bearer|api-?key|totp)$|^x-.*(secret|token|key)$/i;

/** Keys that hold secrets, with a literal value in the file. */
function literalSecrets(value: unknown, path: KeyPath, isReferred: (path: KeyPath) => boolean): Finding[] {
  if (Array.isArray(value))
    return value.flatMap((item, index) => literalSecrets(item, [...path, index], isReferred));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const at = [...path, key];
    if (typeof item !== 'string') return literalSecrets(item, at, isReferred);
    if (item === '' || !SECRET_KEY.test(key) || isReferred(at)) return [];
    return [{ path: at, message: 'is a secret written into the file; use ${env:NAME} or ${file:/path}' }];
  });
}

function controlWarnings(config: Config): Finding[] {
  if (config.canaries === 'none')
    return [{ path: ['canaries'], message: 'without canaries many components cannot be told apart' }];
  if (config.controls.length === 0) {
    return [
      {
        path: ['control'],
        message: 'no control is configured: a dead uplink of this vantage looks like an outage',
      },
    ];
  }
  const zones = new Set(config.targets.map((target) => target.zone));
  return config.controls.flatMap((url, index) => {
    const host = URL.parse(url)?.hostname ?? '';
    const inside = [...zones].some((zone) => host === zone || host.endsWith(`.${zone}`));
    return inside
      ? [
          {
            path: ['control', index],
            message: 'is part of the watched site; a control must be outside of it',
          },
        ]
      : [];
  });
}

function intervalWarnings(config: Config): Finding[] {
  const fast = 'is below 10 s';
  const findings: Finding[] = config.targets.flatMap((target, index) =>
    target.everyMs !== null && target.everyMs < FASTEST_MS
      ? [{ path: ['targets', index, 'every'], message: fast }]
      : [],
  );
  for (const [name, everyMs] of Object.entries(config.checks.returnEvery)) {
    if (everyMs < FASTEST_MS) findings.push({ path: ['checks', 'return', 'every', name], message: fast });
  }
  return findings;
}

function webWarnings(config: Config): Finding[] {
  const { listen, auth, url } = config.web;
  const behindLogin = config.targets.some(
    (target) => target.gate !== null && target.host === URL.parse(url ?? '')?.hostname,
  );
  const findings: Finding[] = behindLogin
    ? [
        {
          path: ['web', 'url'],
          message: 'is behind a gate that is watched: nobody will see it when that fails',
        },
      ]
    : [];
  if (listen.host === '::1' || listen.host.startsWith('127.')) return findings;
  if (auth === null) {
    findings.push({
      path: ['web', 'listen'],
      message: 'listens wider than loopback without web.auth: everybody who reaches it may read',
    });
  } else if (auth.basic !== null && url?.startsWith('https:') !== true) {
    findings.push({
      path: ['web', 'auth', 'basic'],
      message: 'the password travels unencrypted: put TLS in front, and its https address into web.url',
    });
  }
  return findings;
}

/** An alert about a target cannot take the way through it (threats W12). */
function receiverWarnings(config: Config): Finding[] {
  const watched = new Set(config.targets.map(({ host }) => host));
  const inside = config.receivers.map((receiver) => {
    const urls = receiver.kind === 'webhook' ? [receiver.url.reveal()] : receiver.urls;
    return urls.every((url) => watched.has(URL.parse(url)?.hostname ?? ''));
  });
  if (inside.length === 0 || inside.includes(false)) return [];
  return [
    {
      path: ['receivers'],
      message: 'all receivers are watched targets themselves: no alert arrives when they fail',
    },
  ];
}

function targetWarnings(config: Config): Finding[] {
  return config.targets.flatMap((target, index) => [
    ...plainHttp(target, index),
    ...[...new URL(target.url).searchParams.keys()]
      .filter((name) => SECRET_KEY.test(name))
      .map(() => ({
        path: ['targets', index],
        message: 'has a secret in its query, which is part of its id and is shown everywhere; use headers',
      })),
    ...(target.slowMs >= target.timeoutMs
      ? [
          {
            path: ['targets', index, 'slow'],
            message: 'is not below the timeout: no answer will ever be slow',
          },
        ]
      : []),
  ]);
}

function plainHttp(target: Target, index: number): Finding[] {
  const login = target.paths.some((path) => target.expect[path]?.is === 'login');
  if (target.scheme === 'https' || !login) return [];
  return [
    {
      path: ['targets', index],
      message: 'expects a login over plain http: session cookies travel unencrypted',
    },
  ];
}

function pathWarnings(config: Config): Finding[] {
  return config.paths.flatMap((path, index) => {
    const findings: Finding[] = [];
    const mayBeFound = config.discover.sources.length > 0;
    if (!mayBeFound && !config.targets.some((target) => target.paths.includes(path.name))) {
      findings.push({ path: ['paths', index], message: 'no target is probed over this path' });
    }
    if (path.kind === 'cdn' && path.proof.header === null) {
      findings.push({
        path: ['paths', index, 'proof'],
        message: 'without a mark nothing proves that the CDN was used',
      });
    }
    if (path.tls.verify === 'none') {
      findings.push({
        path: ['paths', index, 'tls', 'verify'],
        message: 'certificates on this path are not verified',
      });
    }
    return findings;
  });
}

/** Whoever writes `baseline: null` knows what it means. */
function discoverWarnings({ discover }: Config, raw: Raw): Finding[] {
  const { sources, isBaselineMissing } = discover;
  if (isBaselineMissing)
    return [{ path: ['baseline'], message: 'does not exist yet; `gatewatch accept` writes it' }];
  if (sources.length === 0 || Object.hasOwn(raw, 'baseline')) return [];
  return [
    {
      path: ['discover'],
      message: 'without `baseline:` a lost gate is taken for the truth: nobody will be told of it',
    },
  ];
}

function sharedWarnings(config: Config): Finding[] {
  return config.shared.flatMap((label, index) =>
    config.discover.sources.length > 0 || config.targets.some((target) => target.labels[label] !== undefined)
      ? []
      : [{ path: ['shared', index], message: 'no target has this label' }],
  );
}
