// `gatewatch validate`: is the configuration right, what will be probed, and what does that cost.

import { systemClock } from '../base/clock.ts';
import { humanDuration } from '../base/duration.ts';
import type { Config } from '../config/config.ts';
import { type Loaded, loadConfig } from '../config/load.ts';
import { maintenancePlan } from '../config/maintenance-plan.ts';
import { problemText } from '../config/problem.ts';
import { withFound } from '../discovering.ts';
import type { Subject } from '../model/check.ts';
import type { Knowledge } from '../model/verdict.ts';
import { costLines, costsOf, costWarnings } from '../schedule/cost.ts';
import { inseparable } from '../schedule/identifiability.ts';
import { plan, type Site } from '../schedule/plan.ts';
import type { Command } from './contract.ts';
import { utc } from './instant.ts';
import { type Print, pad } from './print.ts';
import { DEFAULT_FILE } from './run.ts';

/** Targets listed without --all. */
const LISTED = 40;
/** Nothing is learned before the first start. */
const NOTHING_KNOWN: Knowledge = { get: () => null };

export const validateCommand: Command = {
  name: 'validate',
  usage: '[--all] [--json] [--config FILE]',
  summary: 'Check the configuration, and say what probing will cost.',
  help: [
    'Prints targets, checks, canaries, sessions and requests. Exit 2 when the configuration cannot be used.',
  ],
  options: { config: { type: 'string', short: 'c' }, all: { type: 'boolean' }, json: { type: 'boolean' } },
  takesNames: false,
  async run({ options, environment, print }) {
    const loaded = loadConfig({ file: String(options['config'] ?? DEFAULT_FILE) }, environment);
    // What sources list belongs to the cost; a source that is away is no fault of the configuration.
    const { config, failures } = await withFound(loaded.config, systemClock);
    const site: Site = { ...config, knowledge: NOTHING_KNOWN };
    const subjects = plan(site);
    const without = failures.map((failure) => `without the targets of a source: ${failure}`);
    const warnings = [...without, ...warningsOf(loaded, site, subjects)];
    if (options['json'] === true) {
      const costs = costsOf(site, subjects);
      print.json({
        targets: site.targets.map(({ id }) => id),
        checks: subjects.map(({ id }) => id),
        costs,
        maintenance: maintenancePlan(config, systemClock.now()),
        warnings,
      });
    } else {
      printPlan(site, subjects, options['all'] === true, print);
      printCosts(site, subjects, print);
      printMaintenance(config, print);
      for (const warning of warnings) print.line(`${print.paint('yellow', '▲')} ${warning}`);
      if (warnings.length > 0) print.line();
      print.line(`${print.paint('green', '✔')} the configuration is valid`);
    }
    return 0;
  },
};

function warningsOf(loaded: Loaded, site: Site, subjects: readonly Subject[]): string[] {
  const unclear = inseparable(subjects).map(
    ({ components, advice }) =>
      `cannot be told apart: ${components.map(({ id }) => id).join(', ')}; ${advice}`,
  );
  return [...loaded.warnings.map(problemText), ...costWarnings(costsOf(site, subjects)), ...unclear];
}

function printPlan(site: Site, subjects: readonly Subject[], all: boolean, print: Print): void {
  const { targets } = site;
  const visits = subjects.filter((subject) => subject.kind === 'visit');
  const canaries = subjects.filter((subject) => subject.kind === 'canary');
  print.line(
    print.paint('bold', `${targets.length} targets, ${visits.length} checks, ${canaries.length} canaries`),
  );
  const shown = all ? targets : targets.slice(0, LISTED);
  const width = Math.max(...shown.map((target) => target.id.length));
  for (const target of shown) {
    const expectations = new Set(Object.values(target.expect).map(({ is }) => is));
    const gate = target.gate === null ? '' : `  gate ${target.gate}`;
    print.line(
      `  ${pad(target.id, width)}  ${pad([...expectations].join('/'), 9)}  ${target.paths.join(', ')}${gate}`,
    );
  }
  if (shown.length < targets.length)
    print.line(`  … and ${targets.length - shown.length} more (--all lists them)`);
  print.line();
  print.line(print.paint('bold', 'Canaries'));
  for (const [kind, group] of Map.groupBy(canaries, ({ canary }) => canary)) {
    const every = group[0]?.everyMs ?? null;
    const names = group
      .slice(0, 4)
      .map(({ name, path }) => (path === null ? name : `${name} (${path.name})`));
    const more = group.length > 4 ? `, … ${group.length - 4} more` : '';
    print.line(
      `  ${pad(kind, 11)} ${every === null ? '' : `every ${humanDuration(every)}: `}${names.join(', ')}${more}`,
    );
  }
  print.line();
}

function printCosts(site: Site, subjects: readonly Subject[], print: Print): void {
  print.line(print.paint('bold', 'What it costs'));
  for (const line of costLines(costsOf(site, subjects))) print.line(`  ${line}`);
  print.line();
}

function printMaintenance(config: Config, print: Print): void {
  if (config.maintenance.length === 0) return;
  print.line(print.paint('bold', 'Maintenance, UTC'));
  for (const { about, targets, times } of maintenancePlan(config, systemClock.now())) {
    const next = times.map(({ startsAt, endsAt }) => `${utc(startsAt)} until ${utc(endsAt)}`);
    const many = `${targets} of ${config.targets.length} targets`;
    print.line(`  ${about} (${many}): ${next.length === 0 ? 'never' : next.join(', ')}`);
  }
  print.line();
}
