// One trial: a world with faults, the correlator watching it, and what came of it in figures.

import type { Subject } from '../../../src/model/check.ts';
import type { Incident } from '../../../src/model/incident.ts';
import type { Fault } from '../../world/faults.ts';
import { buildSite, type Layer, type Site, type SiteOptions, type Size } from '../../world/site.ts';
import { World } from '../../world/world.ts';
import { BASELINES, type BaselineFigure, type BaselineName, Baselines } from './baselines.ts';
import { Engine, type Told } from './engine.ts';
import { componentOf, subjectsOf } from './subjects.ts';

export interface Ground {
  readonly site: Site;
  readonly subjects: readonly Subject[];
}

const grounds = new Map<string, Ground>();

/** Site and subjects of a size; the usual ones are built once. */
export function groundOf(size: Size, options: SiteOptions = {}): Ground {
  const key = options.wrongShare === undefined ? String(size) : null;
  const known = key === null ? undefined : grounds.get(key);
  if (known !== undefined) return known;
  const site = buildSite(size, options);
  const ground = { site, subjects: subjectsOf(site) };
  if (key !== null) grounds.set(key, ground);
  return ground;
}

export interface Plot extends Ground {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly untilMs: number;
  readonly noise?: number;
  readonly budget?: number;
  /** When the daemon is started anew. */
  readonly restarts?: readonly number[];
  readonly withBaselines?: boolean;
  readonly measure?: boolean;
}

export interface Played {
  readonly plot: Plot;
  readonly world: World;
  readonly engine: Engine;
  readonly baselines: Baselines | null;
  /** Open incidents at the end. */
  readonly left: readonly Incident[];
}

const NOISE = 0.005;

export function play(plot: Plot): Played {
  const engine = new Engine(plot.subjects, { measure: plot.measure ?? false });
  const baselines = plot.withBaselines === true ? new Baselines(plot.site) : null;
  const watchers = baselines === null ? [engine] : [engine, baselines];
  const { seed, faults, budget } = plot;
  const world = new World(plot.site, watchers, {
    seed,
    faults,
    noise: plot.noise ?? NOISE,
    ...(budget === undefined ? {} : { budget }),
  });
  for (const at of plot.restarts ?? []) {
    world.run(at);
    engine.restart();
  }
  world.run(plot.untilMs);
  return { plot, world, engine, baselines, left: engine.incidents() };
}

/** What an alert names: a component's id, `unmodelled`, or `service <targets>`. */
export function nameOf(incident: Incident): string {
  if (incident.blame !== null && incident.blame.type !== 'host') return incident.blame.id;
  return incident.kind === 'shared' ? 'unmodelled' : `service ${incident.targets.join(' ')}`;
}

export function isShared(incident: Incident): boolean {
  return !nameOf(incident).startsWith('service ');
}

export function truthOf(layer: Layer): string {
  return componentOf(layer).id;
}

/** Statements about components that are not blamed, held against what is true. */
export interface Statements {
  /** `tested` ones, and those of them that are false. */
  readonly acquitted: number;
  readonly wrong: number;
  /** Innocent components whose innocence some check can show, and those of them that were acquitted. */
  readonly testable: number;
  readonly shown: number;
}

/** Statements of the incidents when they opened, and of those open at the end of the fault. */
export function statementsOf(
  site: Site,
  told: readonly Told[],
  broken: readonly { layer: Layer; from: number; until: number }[],
): Statements {
  const sum = { acquitted: 0, wrong: 0, testable: 0, shown: 0 };
  for (const { type, at, incident } of told) {
    if ((type !== 'opened' && type !== 'updated' && type !== 'recovering') || !isShared(incident)) continue;
    const guilty = new Set(
      broken
        .filter((each) => each.from <= at && incident.startedAt - 1_800_000_000_000 <= each.until)
        .map((each) => truthOf(each.layer)),
    );
    for (const { component, tested } of incident.acquitted) {
      if (tested) sum.acquitted++;
      if (tested && guilty.has(component.id)) sum.wrong++;
      if (guilty.has(component.id) || !isTestable(site, component.id, guilty)) continue;
      sum.testable++;
      if (tested) sum.shown++;
    }
  }
  return sum;
}

const passing = new WeakMap<Site, Map<string, Set<number>>>();

/** Checks through a component. */
function through(site: Site, id: string): Set<number> {
  let known = passing.get(site);
  if (known === undefined) {
    known = new Map();
    for (const check of site.checks) {
      for (const layer of check.layers) {
        const key = truthOf(site.layers[layer]!);
        const list = known.get(key) ?? new Set<number>();
        list.add(check.index);
        known.set(key, list);
      }
    }
    passing.set(site, known);
  }
  return known.get(id) ?? new Set();
}

/** Four checks pass it and nothing guilty, or two pass something guilty and not it. */
function isTestable(site: Site, id: string, guilty: ReadonlySet<string>): boolean {
  const its = through(site, id);
  const others = new Set([...guilty].flatMap((each) => [...through(site, each)]));
  return its.difference(others).size >= 4 || others.difference(its).size >= 2;
}

/** Figures of a trial as they are written to the raw results. */
export interface Trial {
  readonly row: string;
  readonly size: Size;
  readonly seed: number;
  /** What was put in. */
  readonly truth: string;
  /** What was told, in order: `+` opened, `~` changed blame, `^` reopened, `-` resolved, with seconds since the fault. */
  readonly told: readonly string[];
  readonly flags: Readonly<Record<string, boolean>>;
  readonly numbers: Readonly<Record<string, number>>;
  readonly baselines: Readonly<Record<BaselineName, BaselineFigure & { exact: boolean }>> | null;
}

const SIGNS = {
  opened: '+',
  updated: '=',
  'blame-changed': '~',
  recovering: '?',
  reopened: '^',
  resolved: '-',
} as const;

/** Lines that say what was told. */
export function toldLines({ engine }: Played, from: number): string[] {
  return engine.told.map(
    ({ type, at, incident }) =>
      `${SIGNS[type]}${incident.id} ${nameOf(incident).slice(0, 120)} ${Math.round((at - from) / 1000)}s${incident.supersededBy === null ? '' : ` (${incident.supersededBy})`}`,
  );
}

/** Costs and budgets of any trial. */
export function costsOf({ world, engine }: Played): Record<string, number> {
  const thoughts = [...engine.thoughts].sort((a, b) => a - b);
  const total = thoughts.reduce((sum, ms) => sum + ms, 0);
  return {
    probes: world.probes,
    extra: world.extra,
    sessions: world.sessions,
    sessionsAllowed: world.sessionsAllowed,
    evaluations: thoughts.length,
    evaluationMs: thoughts.length === 0 ? 0 : total / thoughts.length,
    evaluationP99Ms: thoughts[Math.floor(0.99 * thoughts.length)] ?? 0,
    evaluationMostMs: thoughts.at(-1) ?? 0,
    acceptUs: engine.acceptMs === 0 ? 0 : (1000 * engine.acceptMs) / engine.accepted,
  };
}

/** Figures of the baselines against one true component (null = nothing shared). */
export function baselineFigures(played: Played, from: number, truth: string | null): Trial['baselines'] {
  if (played.baselines === null) return null;
  const { site } = played.plot;
  const all = played.baselines.figures();
  const judged = BASELINES.map((name) => {
    const figure = all[name];
    const named = figure.named === null ? null : truthOf(site.layers[figure.named]!);
    const detectedMs = figure.detectedMs === null ? null : figure.detectedMs - from;
    return [name, { ...figure, detectedMs, exact: named !== null && named === truth }] as const;
  });
  return Object.fromEntries(judged) as Trial['baselines'];
}
