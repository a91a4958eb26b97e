// Incidents for tests of the rooms behind the correlator: an open shared fault unless told otherwise.

import { component } from '../../src/model/component.ts';
import type { Incident } from '../../src/model/incident.ts';
import type { SignatureId } from '../../src/model/verdict.ts';

const T0 = Date.UTC(2026, 3, 16, 17);

/** The fault of the model sentence in the README: a full session store. */
export function incident(part: Partial<Incident> = {}): Incident {
  return {
    id: 'i1',
    kind: 'shared',
    state: 'open',
    blame: component('gate-sessions', 'embedded'),
    firstBlame: null,
    reason: null,
    signature: 'gate-no-session' as SignatureId,
    startedAt: T0 - 90_000,
    openedAt: T0,
    resolvedAt: null,
    targets: ['grafana.example.com', 'wiki.example.com'],
    tried: 2,
    behind: 34,
    lanes: [
      { visit: 'fresh', path: 'cdn', failing: 2, tried: 2 },
      { visit: 'fresh', path: 'origin', failing: 2, tried: 2 },
      { visit: 'return', path: 'cdn', failing: 0, tried: 12 },
    ],
    inCommon: [],
    acquitted: [
      {
        component: component('cdn', 'cdn'),
        tested: true,
        evidence: 'the same failure straight to the origin (2 of 2)',
      },
      { component: component('vantage', 'vps'), tested: false, evidence: 'no controls are configured' },
    ],
    probability: 0.98,
    severity: 1,
    runnerUp: null,
    ambiguous: [],
    flaps: 0,
    probesSpent: 4,
    sessionsSpent: 1,
    unaffected: [],
    wouldHelp: null,
    strays: [],
    supersededBy: null,
    detail: null,
    labels: null,
    ...part,
  };
}
