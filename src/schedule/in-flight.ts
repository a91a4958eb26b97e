// What is being probed right now, and what may join it: so that no probe loads a small app, and that what hangs never
// delays what answers (threats B7 and X30).
//
// Threats B7 asks for two probes an address. That is right for the host of an app, and stays so. It cannot be right
// for the address of a proxy that 300 hosts share: one host there that hangs for 10 s a probe would hold both places
// and leave its 299 neighbours a probe in 5 s, where DESIGN 11 wants 30 a second. The harm that B7 means is
// connections that pile up, and only slow probes pile up: those are limited by address and in all, and those that
// answer are not. Four a target need no limit of their own: two a host are less.

import type { Clock } from '../base/clock.ts';

/** Probes of one host at the same time. */
const MOST_PER_HOST = 2;
/** A probe that takes longer is slow while it lasts, and the next one of its check starts as slow, ms. */
export const SLOW_MS = 2_000;
/** How long a probe counts as being set up, ms: handshakes are what costs us and the probed most. */
const SETTING_UP_MS = 200;
/** Shares of all places: being set up at the same time; slow ones; slow ones at one address. */
const SHARE = { settingUp: 1 / 6, slow: 1 / 3, slowAtAddress: 1 / 6 };

/** What the limits look at. */
export interface Guest {
  readonly host: string;
  /** What is dialled: the name of an origin path, which has one address, else the host. */
  readonly address: string;
  /** Its last probe was slow. */
  readonly slow: boolean;
}

/** A probe in flight. */
export interface Stay {
  readonly host: string;
  readonly address: string;
  readonly since: number;
  slow: boolean;
}

export class InFlight {
  readonly #clock: Clock;
  readonly #most: { readonly total: number; readonly settingUp: number; readonly slow: number };
  readonly #slowAtAddress: number;
  readonly #hosts = new Map<string, number>();
  /** Slow ones by address. */
  readonly #slowAt = new Map<string, number>();
  /** In order of their start. */
  readonly #settingUp = new Set<Stay>();
  /** Past being set up and not slow yet, in order of their start. */
  readonly #steady = new Set<Stay>();
  #slow = 0;
  #total = 0;

  /** At most `concurrency` at the same time. */
  constructor(concurrency: number, clock: Clock) {
    const share = (part: number): number => Math.max(1, Math.floor(concurrency * part));
    this.#clock = clock;
    this.#most = { total: concurrency, settingUp: share(SHARE.settingUp), slow: share(SHARE.slow) };
    this.#slowAtAddress = share(SHARE.slowAtAddress);
  }

  /** Whether nothing more may start at all. */
  get full(): boolean {
    this.#age();
    return this.#total >= this.#most.total || this.#settingUp.size >= this.#most.settingUp;
  }

  /** Monotonic ms at which a full house has room again though nothing ended; Infinity when only an end helps. */
  get roomAt(): number {
    if (this.#total >= this.#most.total) return Number.POSITIVE_INFINITY;
    const [first] = this.#settingUp;
    return first === undefined ? Number.POSITIVE_INFINITY : first.since + SETTING_UP_MS;
  }

  /** What keeps a probe out while there is room in all: a key that a later `leave` gives back. */
  obstacle({ host, address, slow }: Guest): string | null {
    if ((this.#hosts.get(host) ?? 0) >= MOST_PER_HOST) return `host ${host}`;
    if (!slow) return null;
    this.#age();
    if ((this.#slowAt.get(address) ?? 0) >= this.#slowAtAddress) return `slow ${address}`;
    return this.#slow >= this.#most.slow ? 'slow' : null;
  }

  enter({ host, address, slow }: Guest): Stay {
    const stay: Stay = { host, address, since: this.#clock.monotonic(), slow: false };
    this.#total += 1;
    this.#hosts.set(host, (this.#hosts.get(host) ?? 0) + 1);
    this.#settingUp.add(stay);
    if (slow) this.#becomeSlow(stay);
    return stay;
  }

  /** Ends a stay; returns the keys of the obstacles it may have been. */
  leave(stay: Stay): readonly string[] {
    const { host, address } = stay;
    this.#total -= 1;
    this.#settingUp.delete(stay);
    this.#steady.delete(stay);
    lower(this.#hosts, host);
    if (!stay.slow) return [`host ${host}`];
    this.#slow -= 1;
    lower(this.#slowAt, address);
    return [`host ${host}`, `slow ${address}`, 'slow'];
  }

  /** Moves on those that are no longer being set up, and those that have become slow. */
  #age(): void {
    const now = this.#clock.monotonic();
    for (const stay of this.#settingUp) {
      if (stay.since > now - SETTING_UP_MS) break;
      this.#settingUp.delete(stay);
      if (!stay.slow) this.#steady.add(stay);
    }
    for (const stay of this.#steady) {
      if (stay.since > now - SLOW_MS) break;
      this.#steady.delete(stay);
      this.#becomeSlow(stay);
    }
  }

  #becomeSlow(stay: Stay): void {
    stay.slow = true;
    this.#slow += 1;
    this.#slowAt.set(stay.address, (this.#slowAt.get(stay.address) ?? 0) + 1);
  }
}

function lower(counts: Map<string, number>, key: string): void {
  const left = (counts.get(key) ?? 1) - 1;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
}
