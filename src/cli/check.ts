// `gatewatch check`: probes now, over all paths, and explains: the 30-second diagnosis.

import { existsSync } from 'node:fs';
import { systemClock } from '../base/clock.ts';
import { describeIncident } from '../config/alert-text.ts';
import type { Config } from '../config/config.ts';
import { type ConfigSource, loadConfig } from '../config/load.ts';
import { withFound } from '../discovering.ts';
import { component } from '../model/component.ts';
import type { ProbeResult } from '../model/result.ts';
import { targetId } from '../model/target.ts';
import { checkFlow } from './check-flow.ts';
import { checkTable, matrixLine } from './check-table.ts';
import { type Command, type ExitCode, type Invocation, UsageError } from './contract.ts';
import { type Diagnosis, diagnose } from './diagnosis.ts';
import { incidentFromDiagnosis } from './diagnosis-incident.ts';
import { earlierKnowledge } from './earlier.ts';
import type { Print } from './print.ts';
import { probeRound } from './round.ts';
import { DEFAULT_FILE } from './run.ts';

/** Up to so many targets are shown with every phase; more get a line each. */
const DETAILED = 4;
/** Of many targets, so many broken ones are shown with every phase. */
const BROKEN_SHOWN = 2;
const WIDTH = 96;

export const checkCommand: Command = {
  name: 'check',
  usage: '[URL …] [--origin HOST:PORT] [--gate URL] [--resolver IP] [--flow FILE] [--json] [--config FILE]',
  summary: 'Probe now over all paths, and say what is broken and who is to blame.',
  help: [
    'With --origin, --gate or --resolver, or where there is no gatewatch.yaml, no configuration is needed:',
    '',
    '  gatewatch check https://grafana.example.com --origin 203.0.113.10:443 --gate https://auth.example.com',
    '',
    'compares the way through the CDN with the way straight to the origin, as a stranger. --expect public, app or',
    'login (default with --gate) says what a right answer is; --ca FILE trusts a private authority; --private allows',
    'private addresses on the way by DNS (a LAN); --gate-kind oauth2-proxy, authelia or oidc is for gates other than',
    'authentik.',
    '',
    'With a configuration: its targets, or those that are named. Fresh visits take from the budget of the daemon.',
    'With --flow: one login in a browser by that flow (a file, or one that ships), over the first path of the one URL.',
    'Exit 0 all up, 1 something is not up.',
  ],
  options: {
    config: { type: 'string', short: 'c' },
    origin: { type: 'string' },
    gate: { type: 'string' },
    'gate-kind': { type: 'string' },
    resolver: { type: 'string', multiple: true },
    flow: { type: 'string' },
    expect: { type: 'string' },
    ca: { type: 'string', multiple: true },
    private: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  takesNames: true,
  async run({ options, positionals, environment, print }) {
    const { source, named } = sourceOf(options, positionals);
    const { config, failures } = await withFound(loadConfig(source, environment).config, systemClock);
    for (const failure of failures) print.note(`gatewatch check: ${failure}`);
    const targets = named === null ? null : namedTargets(named, config);
    using earlier = earlierKnowledge('file' in source ? config : null, systemClock);
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort());
    const { flow } = options;
    if (typeof flow === 'string') {
      const [url, ...more] = named ?? [];
      if (url === undefined || more.length > 0)
        throw new UsageError('--flow takes one URL, a target of a configuration with an account');
      const tools = { config, clock: systemClock, earlier, print, signal: stop.signal };
      return checkFlow({ flow, url }, tools);
    }
    const round = await probeRound({
      config,
      clock: systemClock,
      targets,
      ...earlier,
      progress: (done, all) => print.progress(`probing ${done} of ${all}`),
      signal: stop.signal,
    });
    print.progress('');
    const diagnosis = diagnose(round.results);
    if (options['json'] === true) printJson(round.results, diagnosis, print);
    else printRound(round.results, diagnosis, config, print);
    if (round.withheld > 0)
      print.note(`${round.withheld} fresh visits left out: the session budget has no tokens left`);
    return exitCode(diagnosis);
  },
};

function exitCode({ failing, healthy, undecided }: Diagnosis): ExitCode {
  return failing.length > 0 || undecided.length > 0 || healthy.length === 0 ? 1 : 0;
}

/** A configuration file, or one made of the options. */
function sourceOf(
  options: Invocation['options'],
  urls: readonly string[],
): { source: ConfigSource; named: readonly string[] | null } {
  const given = ['origin', 'gate', 'gate-kind', 'resolver', 'expect', 'ca', 'private'].some(
    (name) => options[name] !== undefined,
  );
  const file = typeof options['config'] === 'string' ? options['config'] : null;
  if (file !== null && given) throw new UsageError('--config stands alone: paths and gates are in the file');
  if (file !== null || (!given && existsSync(DEFAULT_FILE))) {
    return { source: { file: file ?? DEFAULT_FILE }, named: urls.length === 0 ? null : urls };
  }
  if (urls.length === 0) throw new UsageError(`no URL, and no ${DEFAULT_FILE} here`);
  return { source: { text: JSON.stringify(adHoc(options, urls)), name: 'command line' }, named: null };
}

/** The configuration that the options describe; the loader checks it like any other. */
function adHoc(options: Invocation['options'], urls: readonly string[]): Record<string, unknown> {
  const { origin, gate, resolver, expect, ca } = options;
  const byName = {
    name: origin === undefined ? 'direct' : 'cdn',
    kind: origin === undefined ? 'direct' : 'cdn',
    ...(resolver === undefined ? {} : { resolver }),
    ...(options['private'] === true ? { private: true } : {}),
  };
  // `--origin` alone says nothing of a CDN, so the way by DNS need not carry a mark; what it is, is shown.
  const paths =
    origin === undefined ? [byName] : [byName, { name: 'origin', kind: 'origin', address: origin }];
  return {
    vantage: 'here',
    gates: gate === undefined ? [] : [{ name: 'gate', kind: options['gate-kind'] ?? 'authentik', url: gate }],
    paths,
    defaults: {
      expect: expect ?? (gate === undefined ? 'app' : 'login'),
      paths: paths.map((path) => path.name),
      ...(gate === undefined ? {} : { gate: 'gate' }),
    },
    targets: urls,
    ...(ca === undefined ? {} : { tls: { ca } }),
  };
}

function namedTargets(urls: readonly string[], config: Config): ReadonlySet<string> {
  const known = new Set<string>(config.targets.map((target) => target.id));
  const ids = urls.map((url) => (URL.canParse(url) ? String(targetId(new URL(url))) : url));
  const unknown = ids.find((id) => !known.has(id));
  if (unknown !== undefined)
    throw new UsageError(`${unknown} is no target of the configuration; see gatewatch validate`);
  return new Set(ids);
}

function printRound(
  results: readonly ProbeResult[],
  diagnosis: Diagnosis,
  config: Config,
  print: Print,
): void {
  const visits = results.filter((result) => result.subject.kind === 'visit');
  const byTarget = Map.groupBy(visits, targetOf);
  const now = systemClock.now();
  print.line();
  const many = byTarget.size > DETAILED;
  if (many) for (const [target, all] of byTarget) print.line(matrixLine(target, all, print));
  let shown = 0;
  for (const [target, all] of byTarget) {
    const broken = all.some((result) => result.judgement.verdict === 'down');
    if (many && (!broken || shown >= BROKEN_SHOWN)) continue;
    shown += 1;
    if (many) print.line();
    print.line(print.paint('bold', target));
    for (const line of checkTable(all, now, print)) print.line(line);
    print.line();
  }
  printCanaries(results, print);
  printDiagnosis(diagnosis, config, print);
}

const targetOf = ({ subject }: ProbeResult): string => (subject.kind === 'visit' ? subject.target.id : '');

/** Canaries on one line each, only what they are and whether they work. */
function printCanaries(results: readonly ProbeResult[], print: Print): void {
  const canaries = results.filter((result) => result.subject.kind === 'canary');
  if (canaries.length === 0) return;
  const good = canaries.filter(({ judgement }) => judgement.verdict !== 'down');
  const say = ({ subject }: ProbeResult): string =>
    subject.kind === 'canary'
      ? `${subject.canary} ${subject.name}${subject.path === null ? '' : ` (${subject.path.name})`}`
      : '';
  if (good.length > 0) print.line(print.paint('dim', `Also asked, and fine: ${good.map(say).join(', ')}`));
  for (const bad of canaries.filter(({ judgement }) => judgement.verdict === 'down')) {
    print.line(`${print.paint('red', '✘')} ${say(bad)}: ${bad.judgement.reason}`);
  }
  print.line();
}

function printDiagnosis(diagnosis: Diagnosis, config: Config, print: Print): void {
  const { failing, healthy, undecided, acquitted, blamed, alsoBlamed } = diagnosis;
  for (const result of undecided.slice(0, 5)) {
    print.line(`${print.paint('yellow', '?')} ${result.subject.id}: ${result.judgement.reason}`);
  }
  if (blamed === null) {
    const verdict =
      undecided.length > 0 || healthy.length === 0
        ? 'Nothing is known to be broken'
        : 'Everything answers as it should';
    print.line(
      `${print.paint('bold', verdict)}: ${healthy.length} of ${healthy.length + undecided.length} checks are up.`,
    );
    return;
  }
  const incident = incidentFromDiagnosis(diagnosis, component('vantage', config.vantage), systemClock.now());
  const text = describeIncident(incident, config);
  const innocent = acquitted.filter((one) => one.tested);
  const open = acquitted.filter((one) => !one.tested);
  const sentences = [
    `${capital(text.summary)}.`,
    `To blame: ${[blamed, ...alsoBlamed].map(({ id }) => id).join(' and ')}.`,
    innocent.length > 0
      ? `Acquitted: ${innocent.map((one) => `${one.component.id} (${one.evidence})`).join('; ')}.`
      : '',
    open.length > 0 ? `Not told apart by this round: ${open.map((one) => one.component.id).join(', ')}.` : '',
  ];
  for (const line of wrapped(sentences.filter((text) => text !== '').join(' '))) print.line(line);
  print.line();
  print.line(`${print.paint('bold', 'Why')}          ${failing[0]?.judgement.reason ?? ''}`);
  if (text.firstCheck !== null && text.firstCheck !== '')
    print.line(`${print.paint('bold', 'First check')}  ${text.firstCheck}`);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length + 1 > WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

function printJson(results: readonly ProbeResult[], diagnosis: Diagnosis, print: Print): void {
  print.json({
    blamed: diagnosis.blamed,
    alsoBlamed: diagnosis.alsoBlamed,
    acquitted: diagnosis.acquitted,
    checks: results.map(({ subject, judgement, observation, at }) => ({
      check: subject.id,
      at,
      verdict: judgement.verdict,
      signature: judgement.signature,
      reason: judgement.reason,
      status: observation.exchanges.at(-1)?.status ?? null,
      durationMs: Math.round(observation.durationMs),
    })),
  });
}
