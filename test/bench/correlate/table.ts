// The table: of every row and size the marks with their figures, and what the baselines do on the same trials.

import type { Size } from '../../world/site.ts';
import { BASELINES } from './baselines.ts';
import { least, type Mark, quantile } from './marks.ts';
import type { Row } from './rows.ts';
import type { Trial } from './trial.ts';

export interface RowFigures {
  readonly row: string;
  readonly title: string;
  readonly size: Size;
  readonly trials: readonly Trial[];
  readonly marks: readonly {
    readonly name: string;
    readonly mark: string;
    readonly text: string;
    readonly ok: boolean;
  }[];
  readonly baselines: string;
  readonly ok: boolean;
}

/** Figures of all rows; row 19 is counted over the statements of every trial. */
export function figuresOf(
  rows: readonly Row[],
  sizes: readonly Size[],
  trials: readonly Trial[],
): RowFigures[] {
  const figures = rows.flatMap((row) =>
    row.sizes
      .filter((size) => sizes.includes(size))
      .map((size) => {
        const mine = trials.filter((trial) => trial.row === row.id && trial.size === size);
        return rowFigures({ row: row.id, title: row.title, size }, row.marks(size), mine);
      }),
  );
  const about = sizes.flatMap((size) => {
    const mine = trials.filter((trial) => trial.size === size && (trial.numbers['acquitted'] ?? 0) > 0);
    return mine.length === 0
      ? []
      : [rowFigures({ row: '19', title: 'truth of acquittals', size }, STATEMENTS, mine)];
  });
  return [...figures, ...about];
}

function sum(trials: readonly Trial[], number: string): number {
  return trials.reduce((total, { numbers }) => total + (numbers[number] ?? 0), 0);
}

const STATEMENTS: readonly Mark[] = [
  {
    name: 'false acquittals',
    mark: '0',
    value: (trials) => sum(trials, 'wrong'),
    ok: (value) => value === 0,
    percent: false,
  },
  {
    name: 'of statements',
    mark: '',
    value: (trials) => sum(trials, 'acquitted'),
    ok: () => true,
    percent: false,
  },
  {
    name: 'innocent and testable acquitted',
    mark: '>= 80 %',
    value: (trials) => sum(trials, 'shown') / sum(trials, 'testable'),
    ok: least(0.8).holds,
    percent: true,
  },
];

function rowFigures(
  about: { row: string; title: string; size: Size },
  marks: readonly Mark[],
  trials: readonly Trial[],
): RowFigures {
  const judged = marks.map(({ name, mark, value, ok, percent }) => {
    const figure = trials.length === 0 ? Number.NaN : value(trials);
    return { name, mark, text: percent ? `${round(100 * figure)} %` : String(round(figure)), ok: ok(figure) };
  });
  return {
    ...about,
    trials,
    marks: judged,
    baselines: baselineText(trials),
    ok: judged.every(({ ok }) => ok),
  };
}

function round(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Math.round(100 * value) / 100;
}

/** Of each: share named right, alerts a trial, median delay. */
function baselineText(trials: readonly Trial[]): string {
  const with_ = trials.flatMap(({ baselines }) => (baselines === null ? [] : [baselines]));
  if (with_.length === 0) return '';
  return BASELINES.map((name) => {
    const all = with_.map((each) => each[name]);
    const exact = Math.round((100 * all.filter((each) => each.exact).length) / all.length);
    const alerts = round(all.reduce((total, each) => total + each.alerts, 0) / all.length);
    const delay = quantile(
      all.map((each) => each.detectedMs ?? Number.POSITIVE_INFINITY),
      0.5,
    );
    return `${name} ${exact} %, ${alerts} alerts, ${Number.isFinite(delay) ? `${Math.round(delay / 1000)} s` : 'never'}`;
  }).join('; ');
}

/** Lines for people. */
export function tableText(figures: readonly RowFigures[], options: { misses: boolean }): string {
  const lines = [
    'row        size  trials  figure                                mark          value        ',
  ];
  for (const { row, title, size, trials, marks, baselines } of figures) {
    lines.push(
      `${row.padEnd(10)} ${String(size).padStart(4)}  ${String(trials.length).padStart(6)}  ${title}`,
    );
    for (const mark of marks) {
      lines.push(
        `                          ${mark.name.padEnd(36)}  ${mark.mark.padEnd(12)}  ${mark.text.padEnd(10)} ${mark.ok ? '' : 'MISSED'}`,
      );
    }
    if (baselines !== '') lines.push(`                          others: ${baselines}`);
    if (options.misses) lines.push(...missLines(trials));
  }
  return lines.join('\n');
}

/** Flags that a good trial has not. */
const BAD_FLAGS = new Set(['wrongShared', 'onlyServices', 'early']);

function missLines(trials: readonly Trial[]): string[] {
  return trials.flatMap(({ seed, truth, told, flags }) => {
    const wrong = Object.entries(flags).filter(([flag, value]) => value === BAD_FLAGS.has(flag));
    if (wrong.length === 0) return [];
    const named = wrong.map(([flag]) => flag).join(' ');
    return [`    seed ${seed} ${truth}: ${named}`, ...told.map((line) => `        ${line}`)];
  });
}
