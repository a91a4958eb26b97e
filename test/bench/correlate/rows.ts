// The rows of the benchmark (reference/correlation.md 6): what is put in, and by what the answer is judged.

import {
  background,
  blips,
  type Fault,
  layerFault,
  lossyLayer,
  misread,
  serviceFault,
  unmodelledFault,
} from '../../world/faults.ts';
import { type Chance, chance } from '../../world/random.ts';
import type { Layer, LayerKind, Size } from '../../world/site.ts';
import { SIZES } from '../../world/site.ts';
import { least, type Mark, most, p, shareOf, sumShare } from './marks.ts';
import { targetIdOf } from './subjects.ts';
import {
  baselineFigures,
  costsOf,
  type Ground,
  groundOf,
  isShared,
  nameOf,
  type Played,
  type Plot,
  play,
  statementsOf,
  type Trial,
  toldLines,
  truthOf,
} from './trial.ts';

export interface Row {
  readonly id: string;
  readonly title: string;
  readonly sizes: readonly Size[];
  /** Trials by size. */
  readonly trials: Readonly<Record<Size, number>>;
  readonly run: (size: Size, seed: number) => Trial;
  readonly marks: (size: Size) => readonly Mark[];
}

const TRIALS = { 30: 100, 300: 40, 3000: 10 } as const;
const DAY = 86_400_000;
/** Least time between first and last failure, and a slot of the prototype: three seconds (5.8, d_min). */
const FRESH_MS = 15_000;
const SLOT_MS = 3_000;

/** Kinds that a full fault can have; the CDN's zone and worker are one component to us, with two looks. */
const KINDS: readonly LayerKind[] = [
  'vantage',
  'resolver',
  'dns',
  'edge-cert',
  'cdn-zone',
  'worker',
  'origin-cert',
  'ingress',
  'outpost',
  'sessions',
  'node',
  'idp',
];
/** The identity provider is behind the login, which four canaries see: shares of its checks mean nothing. */
const PARTIAL: readonly LayerKind[] = KINDS.filter((kind) => kind !== 'idp');

interface Times {
  readonly from: number;
  readonly until: number;
  readonly end: number;
}

/** From the third interval on, for six of them, and time to end. */
function timesOf({ site }: Ground, random: Chance, lasts = 6): Times {
  const t = site.intervalMs;
  const from = (2 + random.next()) * t;
  const until = from + lasts * t;
  return { from, until, end: until + 5 * Math.max(t, 60_000) };
}

function layerOf({ site }: Ground, random: Chance, kinds: readonly LayerKind[]): Layer {
  return random.pick(site.layersOf(random.pick(kinds)));
}

interface Broken {
  readonly layer: Layer;
  readonly from: number;
  readonly until: number;
}

/** One true component: was it named, once, and soon. */
function judgeOne(row: string, played: Played, broken: Broken): Trial {
  const truth = truthOf(broken.layer);
  const { from, until } = broken;
  const opened = played.engine.of('opened').filter(({ at }) => at >= from);
  const shared = opened.filter(({ incident }) => isShared(incident));
  const [first] = shared;
  const last = played.engine.told.filter(({ incident }) => incident.id === first?.incident.id);
  const finalName = last.length === 0 ? '' : nameOf(last.at(-1)!.incident);
  const resolved = last.findLast(({ type }) => type === 'resolved');
  const statements = statementsOf(played.plot.site, played.engine.told, [broken]);
  return {
    row,
    size: played.plot.site.size,
    seed: played.plot.seed,
    truth,
    told: toldLines(played, from),
    flags: {
      detected: first !== undefined && first.at <= until,
      exact: first !== undefined && nameOf(first.incident) === truth,
      final: finalName === truth,
      onlyServices: first === undefined && opened.every(({ incident }) => incident.kind === 'service'),
      oneAlert: opened.length === 1,
      ended: played.left.length === 0,
      wrongShared: shared.some(({ incident }) => nameOf(incident) !== truth),
      early: resolved !== undefined && resolved.at < until,
    },
    numbers: {
      delayMs: first === undefined ? Number.POSITIVE_INFINITY : first.at - from,
      alerts: opened.length,
      updates: played.engine.told.filter(({ type }) => type === 'updated' || type === 'blame-changed').length,
      resolveMs: resolved === undefined ? Number.POSITIVE_INFINITY : resolved.at - until,
      ...statements,
      ...costsOf(played),
    },
    baselines: baselineFigures(played, from, truth),
  };
}

type Making = (ground: Ground, times: Times, random: Chance, seed: number) => { fault: Fault; layer: Layer };

/** A row with one broken layer. */
function single(
  id: string,
  title: string,
  making: Making,
  marks: Row['marks'],
  options: { sizes?: readonly Size[]; plot?: Partial<Plot>; lasts?: number } = {},
): Row {
  return {
    id,
    title,
    sizes: options.sizes ?? SIZES,
    trials: TRIALS,
    marks,
    run(size, seed) {
      const ground = groundOf(size);
      const random = chance(seed, `row ${id}`);
      const times = timesOf(ground, random, options.lasts);
      const { fault, layer } = making(ground, times, random, seed);
      const played = play({
        ...ground,
        seed,
        faults: [fault],
        untilMs: times.end,
        withBaselines: true,
        measure: size === 3000,
        ...options.plot,
      });
      return judgeOne(id, played, { layer, ...times });
    },
  };
}

function sticky(kinds: readonly LayerKind[], share: number): Making {
  return (ground, times, random, seed) => {
    // Each kind in turn, so that few trials see all of them.
    const kind = kinds[seed % kinds.length]!;
    const layer = random.pick(ground.site.layersOf(kind));
    return { layer, fault: layerFault(ground.site, layer, { ...times, share, seed }) };
  };
}

function lossy(
  kinds: readonly LayerKind[],
  loss: (ground: Ground) => (sinceMs: number) => number,
  how: 'lost' | 'broken',
): Making {
  return (ground, times, random) => {
    const layer = layerOf(ground, random, kinds);
    return { layer, fault: lossyLayer(layer, { ...times, loss: loss(ground), how }) };
  };
}

const tOf = (size: Size): number => groundOf(size).site.intervalMs;

const full = single('1', 'full fault of each layer', sticky(KINDS, 1), (size) => [
  shareOf('detected', least(1)),
  shareOf('exact', least(0.98)),
  shareOf('oneAlert', least(0.99)),
  p(0.5, 'delayMs', most(FRESH_MS + SLOT_MS)),
  p(0.95, 'delayMs', most(0.5 * tOf(size))),
  shareOf('ended', least(0.98)),
]);

const half = single('2', 'half of the checks, the same ones', sticky(PARTIAL, 0.5), (size) => [
  shareOf('exact', least(0.96)),
  shareOf('oneAlert', least(0.97)),
  p(0.95, 'delayMs', most(0.5 * tOf(size))),
]);

const fifth = single(
  '3',
  'a fifth of the checks',
  sticky(PARTIAL, 0.2),
  (size) => [
    shareOf('detected', least(0.95)),
    shareOf('exact', least(0.93)),
    p(0.95, 'delayMs', most(tOf(size))),
  ],
  { sizes: [300, 3000] },
);

const fifthSmall = single(
  '3b',
  'a fifth of the checks, 30 services',
  sticky(PARTIAL, 0.2),
  () => [
    shareOf('detected', least(0.9)),
    sumShare('exact', 'detected', least(0.95)),
    shareOf('wrongShared', most(0.05)),
  ],
  { sizes: [30] },
);

const vantageLoss = single(
  '6',
  'vantage loses 30 % of the probes',
  lossy(['vantage'], () => () => 0.3, 'lost'),
  () => [shareOf('exact', least(0.98)), shareOf('oneAlert', least(0.98))],
);

const ramp = single(
  '7',
  'slow ramp over six intervals',
  lossy(
    ['sessions', 'outpost', 'ingress', 'worker'],
    ({ site }) =>
      (since) =>
        Math.min(1, since / (6 * site.intervalMs)),
    'broken',
  ),
  (size) => [p(0.95, 'delayMs', most(1.5 * tOf(size))), shareOf('exact', least(0.97))],
  { lasts: 8 },
);

const cdnOnly: Row = {
  ...single('8', 'CDN alone', sticky(['cdn-zone', 'worker'], 1), () => []),
  run(size, seed) {
    const ground = groundOf(size);
    const random = chance(seed, 'row 8');
    const times = timesOf(ground, random);
    const { fault, layer } = sticky(['cdn-zone', 'worker'], 1)(ground, times, random, seed);
    const played = play({ ...ground, seed, faults: [fault], untilMs: times.end, withBaselines: true });
    const trial = judgeOne('8', played, { layer, ...times });
    const [opened] = played.engine.of('opened').filter(({ incident }) => isShared(incident));
    const origins = opened?.incident.acquitted.filter(({ component }) => component.type === 'origin') ?? [];
    const healthy = origins.length > 0 && origins.every(({ tested }) => tested);
    return { ...trial, flags: { ...trial.flags, originHealthy: healthy } };
  },
  marks: () => [shareOf('exact', least(0.99)), shareOf('originHealthy', least(1))],
};

const certificates = single(
  '9',
  'expired certificate, edge or origin',
  sticky(['edge-cert', 'origin-cert'], 1),
  () => [shareOf('exact', least(0.99))],
);

const idp: Row = {
  ...single('10', 'identity provider down, wholly or half', sticky(['idp'], 1), () => []),
  run(size, seed) {
    const ground = groundOf(size);
    const random = chance(seed, 'row 10');
    const times = timesOf(ground, random);
    const [layer] = ground.site.layersOf('idp');
    const loss = seed % 2 === 0 ? 1 : 0.5;
    const fault = lossyLayer(layer!, { ...times, loss: () => loss });
    const played = play({ ...ground, seed, faults: [fault], untilMs: times.end, withBaselines: true });
    const trial = judgeOne('10', played, { layer: layer!, ...times });
    const [opened] = played.engine.of('opened').filter(({ incident }) => isShared(incident));
    const gates = opened?.incident.acquitted.filter(({ component }) => component.type === 'gate') ?? [];
    return {
      ...trial,
      flags: { ...trial.flags, strangersHealthy: gates.length > 0 && gates.every(({ tested }) => tested) },
    };
  },
  marks: () => [
    shareOf('exact', least(0.99)),
    shareOf('oneAlert', least(0.99)),
    shareOf('strangersHealthy', least(0.99)),
  ],
};

const strangers = single(
  '11',
  'only strangers, sessions cut to a seventh',
  sticky(['sessions'], 1),
  (size) => [
    shareOf('exact', least(0.98)),
    p(0.95, 'delayMs', most(tOf(size))),
    {
      name: 'sessions within budget',
      mark: '100 %',
      value: (trials) =>
        trials.filter(({ numbers }) => numbers['sessions']! <= numbers['sessionsAllowed']!).length /
        trials.length,
      ok: (value) => value === 1,
      percent: true,
    },
  ],
  { sizes: [30, 300], plot: { budget: 1 / 7 } },
);

const flap: Row = {
  ...single('12', 'flaps: 1.5 intervals on and off, three times', sticky(PARTIAL, 1), () => []),
  run(size, seed) {
    const ground = groundOf(size);
    const random = chance(seed, 'row 12');
    const times = timesOf(ground, random, 7.5);
    const layer = random.pick(ground.site.layersOf(PARTIAL[seed % PARTIAL.length]!));
    const t = ground.site.intervalMs;
    const faults = [0, 3, 6].map((at) =>
      layerFault(ground.site, layer, { from: times.from + at * t, until: times.from + (at + 1.5) * t, seed }),
    );
    const played = play({ ...ground, seed, faults, untilMs: times.end, withBaselines: true });
    return judgeOne('12', played, { layer, ...times });
  },
  marks: () => [shareOf('oneAlert', least(0.98)), { ...p(1, 'updates', most(3)), percent: false }],
};

/** Two layers of which each has checks that the other has not. */
function separable({ site }: Ground, random: Chance): [Layer, Layer] {
  const throughOf = (layer: Layer): Set<number> =>
    new Set(site.checks.filter((check) => check.layers.includes(layer.index)).map(({ index }) => index));
  for (;;) {
    const [one, other] = [
      layerOf({ site, subjects: [] }, random, PARTIAL),
      layerOf({ site, subjects: [] }, random, PARTIAL),
    ];
    if (truthOf(one) === truthOf(other)) continue;
    const [a, b] = [throughOf(one), throughOf(other)];
    if (a.difference(b).size >= 8 && b.difference(a).size >= 8) return [one, other];
  }
}

const double: Row = {
  ...single('4', 'two separable faults, at most an interval apart', sticky(PARTIAL, 1), () => []),
  run(size, seed) {
    const ground = groundOf(size);
    const random = chance(seed, 'row 4');
    const times = timesOf(ground, random);
    const [one, other] = separable(ground, random);
    const second = { ...times, from: times.from + random.next() * ground.site.intervalMs };
    const faults = [
      layerFault(ground.site, one, { ...times, seed }),
      layerFault(ground.site, other, { ...second, seed }),
    ];
    const played = play({ ...ground, seed, faults, untilMs: times.end, withBaselines: true });
    const opened = played.engine.of('opened');
    const truths = [truthOf(one), truthOf(other)].sort();
    const firsts = opened.map(({ incident }) => nameOf(incident)).sort();
    const finals = finalNames(played, times.until);
    return {
      row: '4',
      size,
      seed,
      truth: truths.join(' + '),
      told: toldLines(played, times.from),
      flags: {
        firstNames: firsts.join() === truths.join(),
        bothNamed: finals.join() === truths.join(),
        twoAlerts: opened.length === 2,
        ended: played.left.length === 0,
      },
      numbers: {
        alerts: opened.length,
        ...statementsOf(ground.site, played.engine.told, [
          { layer: one, ...times },
          { layer: other, ...second },
        ]),
        ...costsOf(played),
      },
      baselines: baselineFigures(played, times.from, truths[0]!),
    };
  },
  marks: () => [shareOf('bothNamed', least(0.95)), shareOf('twoAlerts', least(0.95))],
};

/** Names of the incidents that were open just before an instant, sorted. */
function finalNames(played: Played, at: number): string[] {
  const names = new Map<string, string>();
  for (const each of played.engine.told) {
    if (each.at > at) break;
    if (each.type === 'resolved') names.delete(each.incident.id);
    else names.set(each.incident.id, nameOf(each.incident));
  }
  return [...names.values()].sort();
}

const hidden: Row = {
  ...single('4b', 'a fault behind another one', sticky(PARTIAL, 1), () => []),
  run(size, seed) {
    const ground = groundOf(size);
    const { site } = ground;
    const t = site.intervalMs;
    const random = chance(seed, 'row 4b');
    const times = timesOf(ground, random, 5);
    const [front, behind] = nested(ground, random);
    const second = { from: times.from + t, until: times.until + 8 * t };
    const faults = [
      layerFault(site, front, { ...times, seed }),
      layerFault(site, behind, { ...second, seed }),
    ];
    const played = play({ ...ground, seed, faults, untilMs: second.until + 5 * Math.max(t, 60_000) });
    const opened = played.engine.of('opened');
    const meanwhile = opened.filter(({ at }) => at < times.until);
    const after = opened.filter(({ at }) => at >= times.until);
    // A new blame of the standing alert is no new alert: it must be one of its own.
    const raised = after.find(({ incident }) => nameOf(incident) === truthOf(behind));
    return {
      row: '4b',
      size,
      seed,
      truth: `${truthOf(front)} > ${truthOf(behind)}`,
      told: toldLines(played, times.from),
      flags: {
        oneMeanwhile: meanwhile.length === 1 && nameOf(meanwhile[0]!.incident) === truthOf(front),
        raised: raised !== undefined && raised.at - times.until <= 2 * t,
        nothingElse: after.every((each) => each === raised),
        ended: played.left.length === 0,
      },
      numbers: {
        alerts: opened.length,
        secondMs: raised === undefined ? Number.POSITIVE_INFINITY : raised.at - times.until,
        ...costsOf(played),
      },
      baselines: null,
    };
  },
  marks: () => [
    shareOf('oneMeanwhile', least(0.95)),
    shareOf('raised', least(0.95)),
    shareOf('nothingElse', least(0.95)),
  ],
};

/** A layer, and one all of whose checks of services pass it too. */
function nested({ site }: Ground, random: Chance): [Layer, Layer] {
  const pairs: readonly (readonly [LayerKind, LayerKind])[] = [
    ['outpost', 'sessions'],
    ['ingress', 'node'],
    ['ingress', 'outpost'],
    ['resolver', 'dns'],
    ['ingress', 'sessions'],
  ];
  for (;;) {
    const [front, behind] = random.pick(pairs);
    const one = random.pick(site.layersOf(front));
    const inside = site.layersOf(behind).filter((layer) => {
      const its = site.checks.filter((check) => !check.canary && check.layers.includes(layer.index));
      const around = site.checks.filter(
        (check) => check.layers.includes(one.index) && !check.layers.includes(layer.index),
      );
      return its.length > 0 && around.length >= 8 && its.every((check) => check.layers.includes(one.index));
    });
    if (inside.length > 0) return [one, random.pick(inside)];
  }
}

const coincidence: Row = {
  ...single('5', 'coincident faults of single services', sticky(PARTIAL, 1), () => []),
  run(size, seed) {
    const ground = groundOf(size);
    const { site } = ground;
    const random = chance(seed, 'row 5');
    const times = timesOf(ground, random);
    const services = random.shuffled(site.services).slice(0, size === 30 ? 3 : 5);
    const faults = services.map((service) =>
      serviceFault(service, { ...times, from: times.from + random.next() * site.intervalMs, seed }),
    );
    const played = play({ ...ground, seed, faults, untilMs: times.end, withBaselines: true });
    const opened = played.engine.of('opened');
    const truth = services.map(targetIdOf).sort();
    const named = opened.flatMap(({ incident }) => (isShared(incident) ? [] : incident.targets)).sort();
    return {
      row: '5',
      size,
      seed,
      truth: truth.join(' '),
      told: toldLines(played, times.from),
      flags: {
        wrongShared: opened.some(({ incident }) => isShared(incident)),
        allNamed: truth.every((each) => named.includes(each)),
        exactly: named.join() === truth.join() && opened.length === truth.length,
        ended: played.left.length === 0,
      },
      numbers: { alerts: opened.length, ...costsOf(played) },
      baselines: baselineFigures(played, times.from, null),
    };
  },
  marks: () => [
    shareOf('wrongShared', most(0.01)),
    shareOf('allNamed', least(1)),
    shareOf('exactly', least(0.98)),
  ],
};

function unmodelledRow(id: string, sizes: readonly Size[], mark: number): Row {
  return {
    ...single(id, 'a cause that nobody modelled, 30 % of the services', sticky(PARTIAL, 1), () => []),
    sizes,
    run(size, seed) {
      const ground = groundOf(size);
      const random = chance(seed, 'row 13');
      const times = timesOf(ground, random);
      const services = random.shuffled(ground.site.services).slice(0, Math.round(0.3 * size));
      const played = play({
        ...ground,
        seed,
        faults: [unmodelledFault(services, { ...times, seed })],
        untilMs: times.end,
        withBaselines: true,
      });
      const opened = played.engine.of('opened');
      const shared = opened.filter(({ incident }) => isShared(incident));
      const finals = finalNames(played, times.until);
      return {
        row: id,
        size,
        seed,
        truth: `unmodelled: ${services.length} services`,
        told: toldLines(played, times.from),
        flags: {
          unmodelled: shared.length > 0 && nameOf(shared[0]!.incident) === 'unmodelled',
          wrongShared: [...shared.map(({ incident }) => nameOf(incident)), ...finals].some(
            (name) => name !== 'unmodelled' && !name.startsWith('service '),
          ),
          oneAlert: opened.length === 1,
          ended: played.left.length === 0,
        },
        numbers: {
          alerts: opened.length,
          delayMs: shared.length === 0 ? Number.POSITIVE_INFINITY : shared[0]!.at - times.from,
          ...costsOf(played),
        },
        baselines: baselineFigures(played, times.from, null),
      };
    },
    marks: () => [shareOf('unmodelled', least(mark)), shareOf('wrongShared', most(0.02))],
  };
}

/** Quiet days are cut into parts that run beside each other; figures are per 30 days. */
const QUIET_DAYS = { 30: 30, 300: 30, 3000: 10 } as const;
const PART_DAYS = { 30: 30, 300: 10, 3000: 2 } as const;

function quiet(id: string, title: string, noise: number, disturbed: boolean, marks: readonly Mark[]): Row {
  return {
    ...single(id, title, sticky(PARTIAL, 1), () => []),
    trials: { 30: 1, 300: QUIET_DAYS[300] / PART_DAYS[300], 3000: QUIET_DAYS[3000] / PART_DAYS[3000] },
    run(size, seed) {
      const ground = groundOf(size);
      const random = chance(seed, `row ${id}`);
      const untilMs = PART_DAYS[size] * DAY;
      const outages = disturbed ? background(ground.site, untilMs, random) : [];
      const short = disturbed ? blips(ground.site, 4, untilMs, random) : [];
      const played = play({
        ...ground,
        seed,
        faults: [...short, ...outages],
        noise,
        untilMs,
        withBaselines: true,
      });
      const opened = played.engine.of('opened');
      const shared = opened.filter(({ incident }) => isShared(incident));
      const figures = played.baselines!.figures();
      return {
        row: id,
        size,
        seed,
        truth: `${outages.length} outages, ${short.length} blips`,
        told: disturbed
          ? shared.map(({ incident, at }) => `+${nameOf(incident)} ${Math.round(at / 1000)}s`)
          : toldLines(played, 0),
        flags: { quiet: shared.length === 0 },
        numbers: {
          days: PART_DAYS[size],
          shared: shared.length,
          services: opened.length - shared.length,
          outages: outages.length,
          ...costsOf(played),
        },
        baselines: Object.fromEntries(
          Object.entries(figures).map(([name, figure]) => [name, { ...figure, exact: false }]),
        ) as Trial['baselines'],
      };
    },
    marks: () => marks,
  };
}

function per30Days(name: string, bound: { text: string; holds: (value: number) => boolean }): Mark {
  const sum = (trials: readonly Trial[], key: string): number =>
    trials.reduce((total, { numbers }) => total + numbers[key]!, 0);
  return {
    name: `${name} alerts in 30 d`,
    mark: bound.text,
    value: (trials) => (30 * sum(trials, name)) / sum(trials, 'days'),
    ok: bound.holds,
    percent: false,
  };
}

const overhead: Mark = {
  name: 'extra probes',
  mark: '<= 2 %',
  value: (trials) =>
    trials.reduce((sum, { numbers }) => sum + numbers['extra']!, 0) /
    trials.reduce((sum, { numbers }) => sum + numbers['probes']!, 0),
  ok: (value) => value <= 0.02,
  percent: true,
};

const QUIET_ROWS = [0.001, 0.005, 0.01].map((noise) =>
  quiet(`14:${noise}`, `quiet, noise ${noise * 100} %`, noise, false, [
    per30Days('shared', most(0)),
    per30Days('services', most(1)),
    overhead,
  ]),
);
const DISTURBED = quiet('15', 'quiet with blips and outages of services', 0.005, true, [
  per30Days('shared', most(1)),
]);

function mismatch(
  id: string,
  title: string,
  how: { noise?: number; misread?: number; wrongShare?: number },
): Row {
  return {
    ...single(`16:${id}`, title, sticky(PARTIAL, 1), () => []),
    sizes: [30, 300],
    run(size, seed) {
      const ground = groundOf(size, how.wrongShare === undefined ? {} : { wrongShare: how.wrongShare, seed });
      const random = chance(seed, 'row 16');
      const times = timesOf(ground, random);
      const { fault, layer } = sticky(PARTIAL, 1)(ground, times, random, seed);
      const shown = how.misread === undefined ? fault : misread(fault, how.misread);
      const played = play({
        ...ground,
        seed,
        faults: [shown],
        untilMs: times.end,
        withBaselines: true,
        ...(how.noise === undefined ? {} : { noise: how.noise }),
      });
      return judgeOne(`16:${id}`, played, { layer, ...times });
    },
    marks: () => [shareOf('exact', least(0.9)), shareOf('oneAlert', least(0.9))],
  };
}

const MISMATCHED = [
  mismatch('quieter', 'five times less noise than assumed', { noise: 0.001 }),
  mismatch('noisier', 'five times more noise than assumed', { noise: 0.025 }),
  mismatch('classes', '30 % of the failures look like anything', { misread: 0.3 }),
  mismatch('topology', '5 % of the services are somewhere else', { wrongShare: 0.05 }),
  mismatch('all', 'all of these at once', { noise: 0.025, misread: 0.3, wrongShare: 0.05 }),
];

const cost: Row = {
  ...single('17', 'cost', sticky(KINDS, 1), () => []),
  sizes: [3000],
  trials: { 30: 0, 300: 0, 3000: 6 },
  run(size, seed) {
    const ground = groundOf(size);
    const random = chance(seed, 'row 17');
    const times = timesOf(ground, random);
    const { fault, layer } = sticky(KINDS, 1)(ground, times, random, seed * 5 + 1);
    const before = heapBytes();
    const played = play({ ...ground, seed, faults: [fault], untilMs: times.end, measure: true });
    const trial = judgeOne('17', played, { layer, ...times });
    const idle = play({ ...ground, seed, faults: [], untilMs: 3_600_000, noise: 0.005, measure: true });
    const costs = costsOf(idle);
    const memory = heapBytes() - before;
    return {
      ...trial,
      numbers: {
        ...trial.numbers,
        engineMb: engineMegabytes(ground, seed),
        heldMb: memory / 2 ** 20,
        quietAcceptUs: costs['acceptUs']!,
        quietEvaluationMs: costs['evaluationMs']!,
        quietExtra: costs['extra']! / costs['probes']!,
      },
    };
  },
  marks: () => [
    { ...p(1, 'evaluationMs', most(5)), name: 'mean evaluation ms (worst trial)', percent: false },
    { ...p(1, 'evaluationP99Ms', most(50)), name: 'p99 evaluation ms (worst trial)', percent: false },
    { ...p(0.5, 'acceptUs', most(10)), name: 'update us', percent: false },
    { ...p(1, 'quietExtra', most(0.02)), name: 'quiet overhead', percent: true },
    { ...p(0.5, 'engineMb', most(40)), name: 'engine MiB', percent: false },
  ],
};

function heapBytes(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Memory of one correlator that has seen a quiet hour. */
function engineMegabytes(ground: Ground, seed: number): number {
  const before = heapBytes();
  const played = play({ ...ground, seed, faults: [], untilMs: 600_000 });
  played.engine.thoughts.length = 0;
  const after = heapBytes();
  return (after - before) / 2 ** 20 + 0 * played.world.probes;
}

const restart: Row = {
  ...single('20', 'the daemon is started anew in the middle', sticky(KINDS, 1), () => []),
  run(size, seed) {
    const ground = groundOf(size);
    const random = chance(seed, 'row 20');
    const times = timesOf(ground, random);
    const { fault, layer } = sticky(KINDS, 1)(ground, times, random, seed);
    const restarts = [
      times.from + 2 * ground.site.intervalMs + random.next() * 60_000,
      times.until + random.next() * ground.site.intervalMs,
    ];
    const played = play({ ...ground, seed, faults: [fault], untilMs: times.end, restarts });
    const trial = judgeOne('20', played, { layer, ...times });
    const ids = new Set(played.engine.told.map(({ incident }) => incident.id));
    return {
      ...trial,
      flags: { ...trial.flags, sameId: ids.size === 1, noExtra: played.engine.of('opened').length === 1 },
    };
  },
  marks: () => [shareOf('sameId', least(1)), shareOf('noExtra', least(1))],
};

const merging: Row = {
  ...single(
    'merge',
    'a fault that spreads: two nodes, then all behind the proxy',
    sticky(['ingress'], 1),
    () => [],
  ),
  run(size, seed) {
    const ground = groundOf(size);
    const { site } = ground;
    const t = Math.max(60_000, site.intervalMs);
    const random = chance(seed, 'row merge');
    const times = timesOf(ground, random, 12);
    const [one, other] = random.shuffled(site.layersOf('node'));
    const layer = random.pick(site.layersOf('ingress'));
    // The proxy loses its backends one node after the other.
    const fault: Fault = {
      ...times,
      show(check, now) {
        if (!check.layers.includes(layer.index) || (check.canary && check.flow !== 'gate-ping')) return null;
        const since = now - times.from;
        const hit =
          since >= 4 * t ||
          check.layers.includes(one!.index) ||
          (since >= 2 * t && check.layers.includes(other!.index));
        return hit ? 'proxy-no-backend' : null;
      },
    };
    const played = play({ ...ground, seed, faults: [fault], untilMs: times.end + 5 * t });
    const finals = finalNames(played, times.until);
    const opened = played.engine.of('opened');
    return {
      row: 'merge',
      size,
      seed,
      truth: `${truthOf(one!)}, ${truthOf(other!)}, then ${truthOf(layer)}`,
      told: toldLines(played, times.from),
      flags: {
        merged: finals.join() === truthOf(layer),
        fewAlerts: opened.length <= 3,
        ended: played.left.length === 0,
      },
      numbers: { alerts: opened.length, ...costsOf(played) },
      baselines: null,
    };
  },
  marks: () => [shareOf('merged', least(0.95)), shareOf('fewAlerts', least(0.95))],
};

export const ROWS: readonly Row[] = [
  full,
  half,
  fifth,
  fifthSmall,
  double,
  hidden,
  coincidence,
  vantageLoss,
  ramp,
  cdnOnly,
  certificates,
  idp,
  strangers,
  flap,
  unmodelledRow('13', [300, 3000], 0.95),
  unmodelledRow('13b', [30], 0.8),
  ...QUIET_ROWS,
  DISTURBED,
  ...MISMATCHED,
  cost,
  restart,
  merging,
];
