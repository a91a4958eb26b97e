// `maintenance:` of the configuration: when, and about what.

import { Cron } from 'croner';
import { z } from 'zod';
import { duration, labelName, labelValue, oneOrMany } from '../base/schema.ts';

/** Patterns, labels and windows of a configuration that are no list of everything. */
const MOST_PATTERNS = 200;
const pattern = z
  .string()
  .min(1)
  .max(512)
  .regex(/^\S+$/, { error: 'must be an id, where `*` stands for any text' });
const patterns = oneOrMany(pattern).refine((list) => list.length > 0 && list.length <= MOST_PATTERNS, {
  error: `must be 1 to ${MOST_PATTERNS} patterns`,
});

const instant = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$/, {
    error: 'must be an instant with its zone, such as 2026-04-18T22:00Z',
  })
  .transform((text, context) => {
    const at = Date.parse(text);
    if (!Number.isNaN(at)) return at;
    context.addIssue({ code: 'custom', message: 'is no date' });
    return z.NEVER;
  });

const cron = z
  .string()
  .max(128)
  .refine((text) => isCron(text), {
    error: 'must be a cron pattern of five parts, such as `0 3 * * 0`',
  });
const timezone = z.string().refine((text) => isTimezone(text), {
  error: 'must be a time zone, such as Europe/Berlin',
});

const about = {
  /** Ids of targets. */
  targets: patterns.optional(),
  /** Ids of components, `type:name`. */
  component: patterns.optional(),
  /** Targets that have all of these. */
  labels: z.record(labelName(), labelValue()).optional(),
};

/** One planned time, repeated or not. */
export const maintenanceSchema = z
  .strictObject({
    cron: cron.optional(),
    for: duration({ minMs: 60_000, maxMs: 7 * 86_400_000 }).optional(),
    timezone: timezone.optional(),
    from: instant.optional(),
    to: instant.optional(),
    ...about,
  })
  .superRefine((window, context) => {
    for (const problem of problemsOf(window)) {
      const { path, message } = problem;
      context.addIssue({ code: 'custom', path: path === null ? [] : [path], message });
    }
  });

export type MaintenanceOption = z.output<typeof maintenanceSchema>;

interface Written {
  readonly cron?: string | undefined;
  readonly for?: number | undefined;
  readonly timezone?: string | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly targets?: unknown;
  readonly component?: unknown;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

interface WindowProblem {
  readonly path: string | null;
  readonly message: string;
}

function problemsOf(window: Written): WindowProblem[] {
  const timed = window.cron === undefined ? onceProblems(window) : repeatedProblems(window);
  const labels = Object.keys(window.labels ?? {}).length > 0;
  if (window.targets !== undefined || window.component !== undefined || labels) return timed;
  return [...timed, { path: null, message: 'needs `targets` ("*" for all), `component` or `labels`' }];
}

function repeatedProblems(window: Written): WindowProblem[] {
  const problems: WindowProblem[] = [];
  if (window.from !== undefined || window.to !== undefined)
    problems.push({ path: 'cron', message: 'excludes `from` and `to`: write two windows' });
  if (window.for === undefined) problems.push({ path: null, message: 'needs `for`, how long it lasts' });
  return problems;
}

function onceProblems({ from, to, for: length, timezone }: Written): WindowProblem[] {
  if (from === undefined && to === undefined)
    return [{ path: null, message: 'needs `cron` and `for`, or `from` and `to`' }];
  const problems: WindowProblem[] = [];
  if (from === undefined || to === undefined)
    problems.push({ path: null, message: 'needs both `from` and `to`' });
  else if (from >= to) problems.push({ path: 'to', message: 'is not after `from`' });
  if (length !== undefined || timezone !== undefined)
    problems.push({ path: null, message: '`for` and `timezone` belong to `cron`' });
  return problems;
}

function isCron(text: string): boolean {
  // Nicknames such as @daily are left out: one way to write a time.
  if (!/^[^\s@]+( [^\s@]+){4}$/.test(text)) return false;
  try {
    new Cron(text, { mode: '5-part', timezone: 'UTC' });
    return true;
  } catch {
    return false;
  }
}

function isTimezone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch {
    return false;
  }
}
