// The levers of the laboratory site: each makes one fault of DESIGN 1, or heals it, and resolves when it is so.

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoginSetup } from '../../src/demo/login-flow.ts';
import type { Part } from '../../src/demo/part.ts';
import type { SessionStore } from '../../src/demo/session-store.ts';
import type { Relay, RelayMode } from './relay.ts';
import { EDGE_LEVERS } from './site-edge.ts';
import { ORIGIN_LEVERS } from './site-origin.ts';

/** What the stand-ins look at with every request. */
export interface Switches {
  /** Requests that the applications answer with 503. */
  glitches: number;
  /** Hosts whose application hangs up on everybody. */
  readonly broken: Set<string>;
  /** How people log in. */
  login: LoginSetup;
  /** Which address the names have, or that nobody answers. */
  resolving: 'edge' | 'origin' | 'nobody';
  /** Questions that the name server answers with SERVFAIL. */
  nameFailures: number;
}

export interface Levers {
  sessionStoreFull(on: boolean): Promise<void>;
  /** The outpost refuses connections. */
  gateDown(on: boolean): Promise<void>;
  identityProviderDown(on: boolean): Promise<void>;
  /** What changes at the login: stages, refusals, assets of its page. */
  login(change: Partial<LoginSetup>): void;
  /** The gate forgets every session. */
  sessionsLost(): void;
  /** The application of this host cannot be reached by the proxy: 502 behind the gate. */
  appBroken(host: string, on: boolean): void;
  /** The edge has lost its tunnel: 530 for everything but its own page. */
  cdnDead(on: boolean): Promise<void>;
  /** The origin's address; the edge meets the same. */
  origin(mode: RelayMode): Promise<void>;
  /** The public pathname on a protected host asks for a login. Caddy only. */
  carveOutLost(on: boolean): Promise<void>;
  /** The router of this host has lost its forward-auth. */
  middlewareLost(host: string, on: boolean): Promise<void>;
  /** This host falls to the proxy's catch-all. */
  routeLost(host: string, on: boolean): Promise<void>;
  /** The edge answers 200 with a challenge, for one host or for all. */
  challenge(host: string | 'all', on: boolean): Promise<void>;
  /** The public names lead to the origin. */
  splitHorizon(on: boolean): Promise<void>;
  /** The edge turns the prober away, and nobody else: by a firewall rule (403) or a rate limit (429). */
  banned(how: 'firewall' | 'rate-limit', on: boolean): Promise<void>;
  /** Control, edge, origin and resolver are all unreachable. */
  uplinkGone(on: boolean): Promise<void>;
  /** One single failure: the next connection or question, or the next request to an application. */
  glitch(where: 'edge' | 'origin' | 'names' | 'application'): void;
}

/** Levers over the parts of one site. */
export function createLevers(parts: {
  folder: string;
  isCaddy: boolean;
  switches: Switches;
  store: SessionStore;
  gate: Part;
  idp: Part;
  edge: Relay;
  origin: Relay;
  control: Relay;
}): Levers {
  const { switches, store, gate, idp, edge, origin, control } = parts;
  const file = async (name: string, on: boolean): Promise<void> => {
    const path = join(parts.folder, name);
    await (on ? writeFile(path, '') : rm(path, { force: true }));
  };
  return {
    async sessionStoreFull(on) {
      store.crowd(on);
    },
    async gateDown(on) {
      gate.open(!on);
      await gate.settled();
    },
    async identityProviderDown(on) {
      idp.open(!on);
      await idp.settled();
    },
    login(change) {
      switches.login = { ...switches.login, ...change };
    },
    sessionsLost: () => store.clear(),
    appBroken(host, on) {
      if (on) switches.broken.add(host);
      else switches.broken.delete(host);
    },
    cdnDead: (on) => file(EDGE_LEVERS.dead, on),
    origin: (mode) => origin.set(mode),
    async carveOutLost(on) {
      if (!parts.isCaddy) throw new Error('this lever is only built for Caddy');
      await file(ORIGIN_LEVERS.carveOutLost, on);
    },
    middlewareLost: (host, on) => file(`${ORIGIN_LEVERS.unprotected}${host}`, on),
    routeLost: (host, on) => file(`${ORIGIN_LEVERS.noRoute}${host}`, on),
    challenge: (host, on) => file(`${EDGE_LEVERS.challenge}${host}`, on),
    async splitHorizon(on) {
      switches.resolving = on ? 'origin' : 'edge';
    },
    banned: (how, on) => file(how === 'firewall' ? EDGE_LEVERS.banned : EDGE_LEVERS.limited, on),
    async uplinkGone(on) {
      switches.resolving = on ? 'nobody' : 'edge';
      await Promise.all([edge, origin, control].map((relay) => relay.set(on ? 'closed' : 'open')));
    },
    glitch(where) {
      if (where === 'edge') edge.resetNext(1);
      else if (where === 'origin') origin.resetNext(1);
      else if (where === 'names') switches.nameFailures = 1;
      else switches.glitches = 1;
    },
  };
}
