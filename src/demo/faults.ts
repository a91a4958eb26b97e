// The faults that can be switched on in the demo site, in the words its page shows. What they do is in site.ts.

import { PUBLIC } from './services.ts';

/** Hosts that the faults of one service are about. */
export const VICTIMS = {
  down: PUBLIC.blog,
  broken: 'git.lab.test',
  exposed: 'papers.casa.test',
  walledOff: PUBLIC.webhook,
  noRoute: 'wiki.lab.test',
} as const;

export interface Fault {
  readonly id: FaultId;
  /** Few words. */
  readonly title: string;
  /** One sentence: what is broken, and what a visitor sees. */
  readonly description: string;
}

/** All faults, in the order of the page. */
export const FAULTS = [
  {
    id: 'session-store-full',
    title: 'Session store full',
    description:
      'The gate cannot store new sessions: strangers get an empty 400, people with a session notice nothing.',
  },
  {
    id: 'gate-down',
    title: 'Gate down',
    description:
      'The outpost refuses connections: the proxy answers an empty 500 on every protected service.',
  },
  {
    id: 'idp-down',
    title: 'Identity provider down',
    description: 'Visitors are still sent to the login, but the login page is a 502.',
  },
  {
    id: 'login-page-blank',
    title: 'Login page blank',
    description:
      'The scripts and styles of the login page are answered 429: every page is a 200, but a browser shows nothing.',
  },
  {
    id: 'gate-restarted',
    title: 'Gate restarted',
    description:
      'The outpost has lost all its sessions, once, when this is switched on: who was signed in must log in again.',
  },
  {
    id: 'cdn-tunnel-dead',
    title: 'CDN tunnel dead',
    description:
      'The CDN has lost its tunnel and answers 530 on every service; straight to the origin all is well.',
  },
  {
    id: 'origin-unreachable',
    title: 'Origin unreachable',
    description: 'The proxy refuses connections: nothing at the origin, and a 521 through the CDN.',
  },
  {
    id: 'service-down',
    title: 'One service down',
    description: `${VICTIMS.down} refuses connections and the proxy answers 502 for it.`,
  },
  {
    id: 'app-broken',
    title: 'One app broken behind the gate',
    description: `${VICTIMS.broken} refuses connections behind a working gate: strangers are still sent to the login, users get a 502.`,
  },
  {
    id: 'service-exposed',
    title: 'One service exposed',
    description: `The proxy no longer asks the gate for ${VICTIMS.exposed}: strangers get the app.`,
  },
  {
    id: 'public-walled-off',
    title: 'Public path walled off',
    description: `The webhook ${VICTIMS.walledOff} asks for a login, so that its callers are turned away.`,
  },
  {
    id: 'challenge-page',
    title: 'Challenge page',
    description:
      'The CDN lets every visitor solve a puzzle first and answers 200 with a page that is no app.',
  },
  {
    id: 'no-route',
    title: 'Host without a route',
    description: `The proxy has lost its route for ${VICTIMS.noRoute}: a catch-all answers 200 with "not found".`,
  },
  {
    id: 'certificate-expired',
    title: 'Certificate expired',
    description:
      'The origin shows an expired certificate for *.lab.test; the CDN refuses it and answers 526.',
  },
  {
    id: 'prober-banned',
    title: 'Prober banned',
    description: 'CDN and proxy refuse the prober with 403 and 429; everybody else gets in.',
  },
  {
    id: 'uplink-gone',
    title: 'Uplink of the prober gone',
    description:
      'The prober reaches nothing any more, neither the site, nor its resolver, nor the rest of the world.',
  },
] as const;

export type FaultId = (typeof FAULTS)[number]['id'];

/** Whether that is the id of a fault. */
export function isFaultId(id: string): id is FaultId {
  return FAULTS.some((fault) => fault.id === id);
}
