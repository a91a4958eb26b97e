// What the alert texts need to know of a small site: one gate, three paths, two services.

import type { SignatureId, SignatureText } from '../../src/model/verdict.ts';
import type { AlertContext } from '../../src/notify/alert-context.ts';

const TEXTS: readonly SignatureText[] = [
  {
    id: 'gate-no-session' as SignatureId,
    pointsAt: ['gate-sessions'],
    phrase: 'get an empty 400',
    meaning: 'The gate cannot store a session for a new visitor.',
    firstCheck: 'df -h /dev/shm on {outpost}; curl -sI https://{host}/',
    source: 'test',
  },
];

export function alertContext(part: Partial<AlertContext> = {}): AlertContext {
  return {
    vantage: 'vps',
    alerts: { labels: {}, rules: [], startupGraceMs: 0, certificateWarnMs: 0, runbooks: null },
    webUrl: null,
    texts: (id) => TEXTS.find((text) => text.id === id) ?? null,
    componentLabels: () => ({}),
    firstCheck: () => null,
    gatesOf: (outpost) => (outpost === 'embedded' ? ['authentik'] : []),
    pathKind: (path) => (path === 'cdn' || path === 'origin' || path === 'direct' ? path : null),
    target: (id) => ({
      host: id.split('/')[0] ?? id,
      zone: 'example.com',
      gate: 'authentik',
      outpost: 'embedded',
    }),
    ...part,
  };
}
