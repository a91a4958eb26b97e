// Faults of the world: who is hit, from when until when, and what it looks like.

import { ANY_KIND, APP_FAULTS, layerShown, lossShown, ROUTE_FAULTS } from './classes.ts';
import { type Chance, chance } from './random.ts';
import type { Check, Layer, Service, Site } from './site.ts';

export interface Fault {
  readonly from: number;
  readonly until: number;
  /** What a probe of the check shows that begins now; null = it is not concerned. */
  readonly show: (check: Check, now: number, random: Chance) => string | null;
}

export interface Span {
  readonly from: number;
  readonly until: number;
}

/** Checks through a layer, each hit with probability `share` for the whole fault; at least one is. */
function stuck(site: Site, layer: Layer, share: number, random: Chance): Uint8Array {
  const hit = new Uint8Array(site.checks.length);
  const through = site.checks.filter((check) => check.layers.includes(layer.index));
  for (const check of through) if (random.next() < share) hit[check.index] = 1;
  if (!hit.includes(1)) hit[random.pick(through).index] = 1;
  return hit;
}

/** A layer is broken; a share of its checks fails, the same ones all the time. */
export function layerFault(site: Site, layer: Layer, span: Span & { share?: number; seed: number }): Fault {
  const hit = stuck(site, layer, span.share ?? 1, chance(span.seed, `hit ${layer.index}`));
  return {
    ...span,
    show: (check, _, random) => (hit[check.index] === 1 ? layerShown(layer.kind, check, random) : null),
  };
}

/** Every probe through a layer is hit with a probability of its own, which may change in time. */
export function lossyLayer(
  layer: Layer,
  span: Span & { loss: (sinceMs: number) => number; how?: 'lost' | 'broken' },
): Fault {
  return {
    ...span,
    show(check, now, random) {
      if (!check.layers.includes(layer.index) || random.next() >= span.loss(now - span.from)) return null;
      return span.how === 'lost' ? lossShown(check, random) : layerShown(layer.kind, check, random);
    },
  };
}

/** A short loss of packets at the vantage: nothing anybody should be told of. */
function blip(site: Site, span: Span, loss = 0.6): Fault {
  return lossyLayer(site.layersOf('vantage')[0]!, { ...span, loss: () => loss, how: 'lost' });
}

/** A service is down for itself: its application, or (one in ten) its route at the proxy. */
export function serviceFault(service: Service, span: Span & { seed: number; how?: 'app' | 'route' }): Fault {
  const random = chance(span.seed, `service ${service.index}`);
  const route = span.how === undefined ? random.next() < 0.1 : span.how === 'route';
  const shown = random.pick<string>(route ? ROUTE_FAULTS : APP_FAULTS);
  return {
    ...span,
    show: (check) => (check.service === service.index && (route || check.reachesApp) ? shown : null),
  };
}

/** Services that have nothing in common which anybody told us of are down together. */
export function unmodelledFault(services: readonly Service[], span: Span & { seed: number }): Fault {
  const random = chance(span.seed, 'unmodelled');
  const down = new Set(services.map((service) => service.index));
  const shown = random.pick<string>(APP_FAULTS);
  return {
    ...span,
    show: (check) => (down.has(check.service) && check.reachesApp ? shown : null),
  };
}

/** A share of all failures looks like anything. */
export function misread(fault: Fault, share: number): Fault {
  return {
    ...fault,
    show(check, now, random) {
      const shown = fault.show(check, now, random);
      return shown !== null && random.next() < share ? random.pick<string>(ANY_KIND) : shown;
    },
  };
}

/** Instants by chance, on average so far apart. */
function instants(meanMs: number, untilMs: number, random: Chance): number[] {
  const list: number[] = [];
  const wait = (): number => -Math.log(1 - random.next()) * meanMs;
  for (let at = wait(); at < untilMs; at += wait()) list.push(at);
  return list;
}

/** Outages of single services, one in ten days each, one to eight intervals long. */
export function background(site: Site, untilMs: number, random: Chance): Fault[] {
  return instants((10 * 86_400_000) / site.services.length, untilMs, random).map((from) => {
    const until = from + site.intervalMs * (1 + 7 * random.next());
    return serviceFault(random.pick(site.services), { from, until, seed: random.below(1e9) });
  });
}

/** Blips of three to six seconds, so many a day. */
export function blips(site: Site, perDay: number, untilMs: number, random: Chance): Fault[] {
  return instants(86_400_000 / perDay, untilMs, random).map((from) =>
    blip(site, { from, until: from + 3_000 + 3_000 * random.next() }),
  );
}
