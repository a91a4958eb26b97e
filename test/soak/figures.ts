// Figures of a run and the rules they must keep; the rules are those of the issue, and none is softer on a busy machine.

import { type Injected, type Judgement, quantile, type SeenAlert } from './judge.ts';

/** Most growth of resident memory from the second quarter to the last. */
const MOST_GROWTH = 0.15;
/** At most one repeat of a delivery, after a crash between sending and remembering. */
const MOST_DELIVERIES = 2;

export interface Figures {
  readonly part: 'real' | 'compressed';
  readonly seconds: number;
  readonly incidents: number;
  readonly noise: number;
  readonly alertsPerIncident: number | null;
  readonly wrongBlame: number;
  readonly falseAlerts: number;
  readonly missed: number;
  readonly several: number;
  readonly leftFiring: number;
  readonly notOnce: number;
  readonly repeats: number;
  /** Seconds from the fault to the first notification, without those in which the daemon was ended. */
  readonly notified: Quantiles;
  /** The same, only those in which it was ended. */
  readonly notifiedAfterEnd: Quantiles;
  /** Seconds from the end of the fault to the resolve. */
  readonly resolved: Quantiles;
  readonly ends: Readonly<Record<string, number>>;
  readonly proberFaults: number;
  readonly results: number;
  readonly sessions: {
    readonly created: number;
    readonly allowed: number;
    readonly heldMost: number;
    readonly heldAllowed: number;
  };
  readonly memory: Memory | null;
  readonly bytesPerResult: number | null;
  readonly fileBytes: number;
}

interface Quantiles {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly most: number | null;
}

/** MiB, medians; null where the run is too short for it. */
export interface Memory {
  readonly firstHour: number | null;
  readonly lastHour: number | null;
  readonly secondQuarter: number;
  readonly lastQuarter: number;
  readonly most: number;
  /** Share; null = too short to be judged. */
  readonly growth: number | null;
}

export type Measured = Pick<
  Figures,
  | 'part'
  | 'seconds'
  | 'ends'
  | 'proberFaults'
  | 'results'
  | 'sessions'
  | 'memory'
  | 'bytesPerResult'
  | 'fileBytes'
>;

/** Joins judgement and measurements. */
export function figuresOf(judgement: Judgement, measured: Measured): Figures {
  const told = judgement.incidents.filter(({ alerts }) => alerts.length > 0);
  const alerts = told.reduce((sum, { alerts: own }) => sum + own.length, 0) + judgement.wrongBlame.length;
  const times = (list: readonly (number | null)[]): number[] => list.filter((ms) => ms !== null);
  const undisturbed = told.filter(({ down }) => down === null);
  const disturbed = told.filter(({ down }) => down !== null);
  return {
    ...measured,
    incidents: judgement.incidents.filter(({ kind }) => kind !== 'noise').length,
    noise: judgement.incidents.filter(({ kind }) => kind === 'noise').length,
    alertsPerIncident: told.length === 0 ? null : alerts / told.length,
    wrongBlame: judgement.wrongBlame.length,
    falseAlerts: judgement.falseAlerts.length,
    missed: judgement.missed.length,
    several: judgement.several.length,
    leftFiring: judgement.leftFiring.length,
    notOnce: judgement.notOnce.length,
    repeats: judgement.repeats,
    notified: quantiles(times(undisturbed.map(({ notifiedMs }) => notifiedMs))),
    notifiedAfterEnd: quantiles(times(disturbed.map(({ notifiedMs }) => notifiedMs))),
    resolved: quantiles(times(told.map(({ resolvedMs }) => resolvedMs))),
  };
}

function quantiles(ms: readonly number[]): Quantiles {
  const of = (share: number): number | null => {
    const value = quantile(ms, share);
    return value === null ? null : Math.round(value / 100) / 10;
  };
  return { p50: of(0.5), p95: of(0.95), most: of(1) };
}

/** Medians of memory; null without samples. Growth is not judged in runs below `leastMs`: those warm up. */
export function memoryOf(
  samples: readonly { readonly at: number; readonly bytes: number }[],
  span: { readonly startedAt: number; readonly endedAt: number; readonly leastMs: number },
): Memory | null {
  const { startedAt, endedAt, leastMs } = span;
  const length = endedAt - startedAt;
  const median = (from: number, until: number): number | null => {
    const within = samples.filter(({ at }) => at >= from && at <= until).map(({ bytes }) => bytes / 2 ** 20);
    return quantile(within, 0.5);
  };
  const second = median(startedAt + length / 4, startedAt + length / 2);
  const last = median(endedAt - length / 4, endedAt);
  if (second === null || last === null) return null;
  const hour = 3_600_000;
  return {
    firstHour: length >= 2 * hour ? median(startedAt, startedAt + hour) : null,
    lastHour: length >= 2 * hour ? median(endedAt - hour, endedAt) : null,
    secondQuarter: second,
    lastQuarter: last,
    most: Math.max(...samples.map(({ bytes }) => bytes / 2 ** 20)),
    growth: length >= leastMs ? last / second - 1 : null,
  };
}

/** Every rule that was broken, one line each; empty = the run holds. */
export function brokenRules(figures: Figures, judgement: Judgement, others: readonly string[]): string[] {
  const { sessions, memory } = figures;
  const broken = [
    ...(figures.incidents === 0 ? ['no incident was put in: the run was too short'] : []),
    ...judgement.falseAlerts.map((alert) => `false alert: ${alertText(alert)}`),
    ...judgement.wrongBlame.map((alert) => `wrong blame: ${alertText(alert)}`),
    ...judgement.several.map((each) => `more than one alert: ${faultText(each)}`),
    ...judgement.missed.map((each) => `missed: ${faultText(each)}`),
    ...judgement.leftFiring.map((alert) => `still firing at the end: ${alertText(alert)}`),
    ...judgement.notOnce.map(
      (alert) => `${alert.firsts} first notifications and ${alert.resolves} resolves: ${alertText(alert)}`,
    ),
    ...others,
  ];
  if (judgement.mostDeliveries > MOST_DELIVERIES)
    broken.push(`one delivery came ${judgement.mostDeliveries} times`);
  if (sessions.created > sessions.allowed) {
    broken.push(`${sessions.created} sessions created, ${Math.floor(sessions.allowed)} allowed`);
  }
  if (sessions.heldMost > sessions.heldAllowed) {
    broken.push(`the site held ${sessions.heldMost} sessions, ${Math.floor(sessions.heldAllowed)} allowed`);
  }
  if (memory?.growth != null && memory.growth > MOST_GROWTH) {
    broken.push(`memory grew by ${(100 * memory.growth).toFixed(1)} % from the second quarter to the last`);
  }
  return broken;
}

function alertText({ labels, startsAt, summary }: SeenAlert): string {
  return `${startsAt} ${JSON.stringify(labels)} ${summary}`;
}

function faultText({ fault, kind, from, until, down }: Injected): string {
  const ended = down === null ? '' : `, ${down.signal} for ${Math.round(down.ms / 1000)} s`;
  return `${fault} (${kind}) at ${new Date(from).toISOString()} for ${Math.round((until - from) / 1000)} s${ended}`;
}

/** The table that ends a run. */
export function figuresText(figures: Figures): string[] {
  const { sessions, memory } = figures;
  const number = (value: number | null, digits: number = 1): string =>
    value === null ? '–' : value.toFixed(digits);
  const times = ({ p50, p95, most }: Quantiles): string =>
    `p50 ${number(p50)} s, p95 ${number(p95)} s, most ${number(most)} s`;
  const ends = Object.entries(figures.ends).map(([signal, count]) => `${count} ${signal}`);
  const rows: [string, string][] = [
    ['time', `${number(figures.seconds / 3600, 2)} h`],
    ['incidents put in', `${figures.incidents}, and ${figures.noise} blips`],
    ['alerts per incident', number(figures.alertsPerIncident, 3)],
    ['wrong blame', String(figures.wrongBlame)],
    ['false alerts', String(figures.falseAlerts)],
    ['missed', String(figures.missed)],
    ['more than one alert', String(figures.several)],
    ['still firing', String(figures.leftFiring)],
    ['repeated deliveries', String(figures.repeats)],
    ['first notification', times(figures.notified)],
    ['…where the daemon was ended', times(figures.notifiedAfterEnd)],
    ['resolve', times(figures.resolved)],
    ['ends of the daemon', ends.length === 0 ? 'none' : ends.join(', ')],
    ['results', `${figures.results}, prober faults ${figures.proberFaults}`],
    ['sessions created', `${sessions.created} of ${Math.floor(sessions.allowed)} allowed`],
  ];
  if (figures.part === 'real') {
    const held = `at most ${sessions.heldMost} of ${Math.floor(sessions.heldAllowed)} allowed`;
    const files = `${number(figures.fileBytes / 2 ** 20)} MiB, ${number(figures.bytesPerResult)} bytes a result`;
    rows.push(['sessions held at the site', held], ['files', files]);
  }
  if (memory !== null) {
    const growth = memory.growth === null ? 'too short to judge' : `${number(100 * memory.growth)} %`;
    rows.push([
      figures.part === 'real' ? 'memory (RSS, medians)' : 'memory (heap, collected)',
      `second quarter ${number(memory.secondQuarter)} MiB, last ${number(memory.lastQuarter)} MiB (${growth}), most ${number(memory.most)} MiB`,
    ]);
    if (memory.firstHour !== null) {
      rows.push(['…first and last hour', `${number(memory.firstHour)} and ${number(memory.lastHour)} MiB`]);
    }
  }
  return rows.map(([name, value]) => `  ${name.padEnd(30)} ${value}`);
}
