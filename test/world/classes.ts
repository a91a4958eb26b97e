// What a broken layer looks like from outside, as kinds of failure with their shares. Written from vendors' pages and
// the incidents of DESIGN 1, not from what the correlator believes; a tenth of each looks like something else.

import type { Chance } from './random.ts';
import type { Check, LayerKind } from './site.ts';

/** Kinds of failure and their shares, which sum to 1 or less; the rest is the first. */
type Mix = readonly (readonly [string, number])[];

const NO_NETWORK: Mix = [
  ['resolver-unreachable', 0.6],
  ['unreachable', 0.25],
  ['connect-timeout', 0.15],
];
const LOST_PACKETS: Mix = [
  ['timeout', 0.4],
  ['connect-timeout', 0.35],
  ['resolver-unreachable', 0.2],
  ['reset', 0.05],
];
const LOST_TO_ADDRESS: Mix = [
  ['timeout', 0.5],
  ['connect-timeout', 0.45],
  ['reset', 0.05],
];

/** What a check shows that meets a broken layer; null = it does not notice. */
function mixOf(kind: LayerKind, check: Check): Mix | null {
  const cdn = check.way?.kind === 'cdn';
  switch (kind) {
    case 'vantage':
      return cdn || check.flow === 'control'
        ? NO_NETWORK
        : [
            ['unreachable', 0.5],
            ['connect-timeout', 0.5],
          ];
    case 'resolver':
      return [
        ['resolver-unreachable', 0.9],
        ['dns-failed', 0.1],
      ];
    case 'dns':
      return [
        ['dns-failed', 0.8],
        ['dns-not-found', 0.2],
      ];
    case 'edge-cert':
      return [['tls-expired', 1]];
    case 'origin-cert':
      return cdn ? [['cdn-origin-tls', 1]] : [['tls-expired', 1]];
    case 'cdn-zone':
      if (check.flow === 'tls')
        return [
          ['tls-failed', 0.6],
          ['connect-timeout', 0.4],
        ];
      return [
        ['cdn-error', 0.7],
        ['cdn-origin-unreachable', 0.2],
        ['timeout', 0.1],
      ];
    case 'worker':
      return [
        ['cdn-error', 0.5],
        ['cdn-origin-unreachable', 0.4],
        ['timeout', 0.1],
      ];
    case 'ingress':
      return cdn
        ? [
            ['cdn-origin-unreachable', 0.9],
            ['timeout', 0.1],
          ]
        : [
            ['connect-refused', 0.55],
            ['connect-timeout', 0.35],
            ['reset', 0.1],
          ];
    case 'outpost':
      if (check.canary)
        return [
          ['gate-unreachable', 0.9],
          ['timeout', 0.1],
        ];
      return [
        ['gate-unreachable', 0.85],
        ['gate-error', 0.05],
        ['timeout', 0.1],
      ];
    case 'sessions':
      return [
        ['gate-no-session', 0.95],
        ['timeout', 0.05],
      ];
    case 'idp':
      return [
        ['idp-down', 0.8],
        ['idp-starting', 0.1],
        ['timeout', 0.1],
      ];
    case 'node':
      return [
        ['proxy-no-backend', 0.7],
        ['timeout', 0.2],
        ['app-error', 0.1],
      ];
  }
}

/** What is lost, and how it shows, when single packets are. */
export function lossShown(check: Check, random: Chance): string {
  const named = check.way?.kind === 'cdn' || check.flow === 'control';
  return draw(named ? LOST_PACKETS : LOST_TO_ADDRESS, random);
}

export function layerShown(kind: LayerKind, check: Check, random: Chance): string | null {
  const mix = mixOf(kind, check);
  return mix === null ? null : draw(mix, random);
}

const NOISE: Mix = [
  ['timeout', 0.35],
  ['connect-timeout', 0.25],
  ['reset', 0.2],
  ['app-error', 0.12],
  ['cdn-origin-unreachable', 0.08],
];

/** A failure by chance. */
export function noiseShown(check: Check, random: Chance): string {
  const shown = draw(NOISE, random);
  if (shown === 'app-error' && !check.reachesApp) return 'timeout';
  return shown === 'cdn-origin-unreachable' && check.way?.kind !== 'cdn' ? 'reset' : shown;
}

/** How a service that is down shows: one way for the whole outage. */
export const APP_FAULTS = ['proxy-no-backend', 'app-error', 'timeout', 'wrong-content'] as const;
export const ROUTE_FAULTS = ['proxy-no-route', 'proxy-no-backend'] as const;

/** Kinds of failure at all, for a world whose failures look like anything. */
export const ANY_KIND = [
  'dns-failed',
  'resolver-unreachable',
  'connect-refused',
  'connect-timeout',
  'tls-failed',
  'timeout',
  'reset',
  'cdn-error',
  'cdn-origin-unreachable',
  'proxy-no-backend',
  'gate-unreachable',
  'gate-no-session',
  'idp-down',
  'app-error',
] as const;

function draw(mix: Mix, random: Chance): string {
  let left = random.next();
  for (const [kind, share] of mix) {
    if (left < share) return kind;
    left -= share;
  }
  return mix[0]![0];
}
