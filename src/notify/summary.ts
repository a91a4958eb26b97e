// The one sentence that wakes people. It must be complete in itself and claim nothing that was not seen:
//
//   authentik cannot create new sessions: strangers get an empty 400 on 8 of 8 services tried (34 behind it),
//   through the CDN and at the origin; visitors with a session cookie still get through
//
// After a changed blame it begins with `Now blamed: `. When the incident is over it is told in the past tense.

import { humanDuration } from '../base/duration.ts';
import type { Component } from '../model/component.ts';
import type { Incident, Lane } from '../model/incident.ts';
import { evidenceText } from '../model/text.ts';
import type { AlertContext } from './alert-context.ts';
import { blameLabels } from './labels.ts';

/** Longest part that another room worded, in characters. */
const PART_LIMIT = 300;
/** Things named in an enumeration. */
const NAMED = 3;

type Labels = Readonly<Record<string, string>>;

/** Annotation `summary`. `labels` are the frozen ones: they tell whether the blame has moved since. */
export function summaryOf(incident: Incident, labels: Labels, context: AlertContext): string {
  if (incident.state === 'resolved') return pastSummary(incident, context);
  const sentence = presentSummary(incident, context);
  return blameMoved(incident, labels) ? `Now blamed: ${sentence}` : sentence;
}

function blameMoved(incident: Incident, labels: Labels): boolean {
  if (incident.firstBlame !== null) return incident.firstBlame.id !== incident.blame?.id;
  const { component, name } = blameLabels(incident);
  return labels['component'] !== undefined && labels['name'] !== undefined
    ? labels['component'] !== component || labels['name'] !== name
    : false;
}

function presentSummary(incident: Incident, context: AlertContext): string {
  if (incident.detail !== null && incident.kind !== 'shared') return own(incident);
  const fault = faultOf(incident, context).now;
  if (incident.kind === 'prober') return fault;
  const seen = seenBy(incident, context);
  return [
    [seen === '' ? fault : `${fault}: ${seen}`, ...whereOf(incident, context)].join(', '),
    ...whoGetsIn(incident),
    ...whatWorks(incident, context),
  ].join('; ');
}

function pastSummary(incident: Incident, context: AlertContext): string {
  const lasted = humanDuration(Math.max(0, (incident.resolvedAt ?? incident.startedAt) - incident.startedAt));
  const fault =
    incident.detail !== null && incident.kind !== 'shared' ? own(incident) : faultOf(incident, context).past;
  const where = incident.kind === 'prober' ? '' : whereOf(incident, context).join(', ');
  const count = countOf(incident, 'were affected');
  const affected = [count === '' ? fault : `${fault}; ${count}`, where]
    .filter((part) => part !== '')
    .join(', ');
  return `${endOf(incident)} after ${lasted}: ${affected}`;
}

function endOf(incident: Incident): string {
  const { supersededBy } = incident;
  if (supersededBy === null) return 'Over';
  const why = evidenceText(supersededBy);
  return /^i\d+$/.test(why) ? `Taken over by incident ${why}` : `Ended (${why})`;
}

function own(incident: Incident): string {
  return evidenceText(incident.detail ?? '', PART_LIMIT);
}

interface Tenses {
  readonly now: string;
  readonly past: string;
}

function faultOf(incident: Incident, context: AlertContext): Tenses {
  const what = incident.blame === null ? listed(incident.targets) : titleOf(incident.blame, context);
  switch (incident.kind) {
    case 'exposed':
      return both(`${what} shows`, `${what} showed`, ' the app to strangers without a login');
    case 'walled-off':
      return both(`${what} asks`, `${what} asked`, ' for a login where it must be public');
    case 'certificate':
      return both(`${what} is`, `${what} was`, ' near its end');
    case 'budget':
      return both(
        `the session store of ${what} is`,
        `the session store of ${what} was`,
        ' projected over 80 %',
      );
    case 'drift':
      return both(`${what} is`, `${what} was`, ' not what was accepted');
    case 'prober':
      return ownFault(incident, context.vantage);
    case 'service':
      return both(`${what} is`, `${what} was`, ' down');
    case 'shared':
      return incident.blame === null ? unmodelled(incident) : sharedFault(incident.blame, what);
  }
}

/** A fault of the prober where no detail speaks; what it means for the site is said, for nobody is blamed. */
function ownFault(incident: Incident, vantage: string): Tenses {
  const name = incident.blame?.name ?? 'unknown';
  switch (incident.reason) {
    case 'blocked':
      return both(
        `gatewatch at ${vantage} is`,
        `gatewatch at ${vantage} was`,
        ` refused ${refusedOver(incident)} by a firewall rule or rate limit; no service is blamed`,
      );
    case 'path-not-taken':
      return both(
        `from ${vantage} path ${name} does`,
        `from ${vantage} path ${name} did`,
        ' not lead where it must, so its results do not count; no service is blamed',
      );
    case 'uplink':
      return both(
        `the network of ${vantage} is`,
        `the network of ${vantage} was`,
        ' down: the controls fail too; no service is blamed',
      );
    case 'resolver':
      return both(
        `the resolver ${name} does`,
        `the resolver ${name} did`,
        ` not answer ${vantage}; no service is blamed`,
      );
    default:
      return both(
        'gatewatch',
        'gatewatch',
        ` at ${vantage} could not work (${incident.reason ?? 'internal'})`,
      );
  }
}

function refusedOver({ lanes }: Incident): string {
  const paths = [...new Set(lanes.filter(({ failing }) => failing > 0).map(({ path }) => path))].sort();
  if (paths.length === 0) return 'everywhere';
  return paths.length === 1 ? `over path ${paths[0]}` : `over paths ${listed(paths)}`;
}

function both(now: string, past: string, rest: string): Tenses {
  return { now: now + rest, past: past + rest };
}

function sharedFault(blame: Component, what: string): Tenses {
  switch (blame.type) {
    case 'gate-sessions':
      return both(`${what} cannot`, `${what} could not`, ' create new sessions');
    case 'idp':
      return both(`${what} does`, `${what} did`, ' not work');
    default:
      return both(`${what} is`, `${what} was`, ' at fault');
  }
}

function unmodelled(incident: Incident): Tenses {
  const count = `${incident.targets.length} services`;
  const common =
    incident.inCommon.length === 0
      ? ''
      : ` (they share ${evidenceText(listed(incident.inCommon), PART_LIMIT)})`;
  return both(`${count} fail`, `${count} failed`, ` together and no known component explains it${common}`);
}

/** A component as people call it. */
export function titleOf(component: Component, context: AlertContext): string {
  const { type, name } = component;
  switch (type) {
    case 'gate':
    case 'gate-sessions': {
      const gates = context.gatesOf(name);
      const title = gates.length === 0 ? name : listed(gates);
      return type === 'gate' ? `the gate ${title}` : title;
    }
    case 'idp':
      return `the identity provider ${name}`;
    case 'cdn':
      return name === 'cdn' ? 'the CDN' : `the CDN (path ${name})`;
    case 'origin':
      return name === 'origin' ? 'the origin' : `the origin (path ${name})`;
    case 'dns':
      return `the DNS of ${name}`;
    case 'resolver':
      return `the resolver ${name}`;
    case 'certificate':
      return `the certificate ${name}`;
    case 'vantage':
      return `the network of ${name}`;
    case 'target':
    case 'host':
      return name;
    default:
      return `${type} ${name}`;
  }
}

// The catalogue's phrase completes "strangers …"; it is told of strangers alone only while others were seen to be fine.
function seenBy(incident: Incident, context: AlertContext): string {
  const said = incident.kind === 'exposed' || incident.kind === 'walled-off';
  const phrase = incident.signature === null ? null : (context.texts(incident.signature)?.phrase ?? null);
  if (phrase === null || said) return countOf(incident, incident.targets.length === 1 ? 'fails' : 'fail');
  return [whoFails(incident.lanes), evidenceText(phrase, PART_LIMIT), onHowMany(incident)]
    .filter((part) => part !== '')
    .join(' ');
}

function onHowMany(incident: Incident): string {
  if (!isAboutMany(incident)) return '';
  return incident.targets.length === 0 ? `(${numbersOf(incident)})` : `on ${numbersOf(incident)}`;
}

function countOf(incident: Incident, verb: string): string {
  if (!isAboutMany(incident)) return '';
  return incident.targets.length === 0 ? numbersOf(incident) : `${numbersOf(incident)} ${verb}`;
}

function isAboutMany(incident: Incident): boolean {
  return incident.kind === 'shared' || incident.targets.length > 1;
}

/** `8 of 8 services tried (34 behind it)`; `34 services behind it` while canaries alone have failed. */
function numbersOf(incident: Incident): string {
  const { behind } = incident;
  const failing = incident.targets.length;
  if (failing === 0) return behind === 1 ? '1 service behind it' : `${behind} services behind it`;
  const tried = Math.max(incident.tried, failing);
  const rest = behind > tried ? ` (${behind} behind it)` : '';
  return `${failing} of ${tried} ${tried === 1 ? 'service' : 'services'} tried${rest}`;
}

/** Visits that stand for a stranger: a login begins as one. */
const STRANGERS = ['fresh', 'login', 'browser'];

/** For whom it fails, as the lanes show it: never fewer people than were seen to be hit. */
function whoFails(lanes: readonly Lane[]): string {
  const failing = new Set(lanes.filter((lane) => lane.failing > 0).map(({ visit }) => visit));
  const only = (...visits: readonly string[]): boolean =>
    failing.size > 0 && [...failing].every((visit) => visits.includes(visit));
  if (failing.has('fresh') && only(...STRANGERS)) return 'strangers';
  return only('session') ? 'signed-in users' : 'visitors';
}

/** `through the CDN and at the origin`: the paths on which something fails. */
function whereOf(incident: Incident, context: AlertContext): string[] {
  const paths = [
    ...new Set(incident.lanes.filter((lane) => lane.failing > 0).map((lane) => lane.path)),
  ].sort();
  return paths.length === 0 ? [] : [paths.map((path) => alongPath(path, context)).join(' and ')];
}

function alongPath(path: string, context: AlertContext): string {
  switch (context.pathKind(path)) {
    case 'cdn':
      return path === 'cdn' ? 'through the CDN' : `through the CDN (${path})`;
    case 'origin':
      return path === 'origin' ? 'at the origin' : `at the origin ${path}`;
    case 'direct':
      return path === 'direct' ? 'directly' : `directly (${path})`;
    case null:
      return `over ${path}`;
  }
}

/** Paths on which nothing fails, and on which the visits that fail elsewhere were tried. */
function whatWorks(incident: Incident, context: AlertContext): string[] {
  const broken = new Set(incident.lanes.filter((lane) => lane.failing > 0).map((lane) => lane.visit));
  const paths = [...new Set(incident.lanes.map((lane) => lane.path))].filter((path) => {
    const lanes = incident.lanes.filter((lane) => lane.path === path);
    const tried = lanes.filter((lane) => lane.tried > 0);
    return (
      lanes.every((lane) => lane.failing === 0) &&
      [...broken].some((visit) => tried.some((lane) => lane.visit === visit))
    );
  });
  const failing = incident.lanes.some((lane) => lane.failing > 0);
  if (paths.length === 0 || !failing) return [];
  return [`no failure ${paths.map((path) => alongPath(path, context)).join(' and ')}`];
}

/** Who was seen to get in although others do not. Only what a lane shows. */
export function whoGetsIn(incident: Incident): string[] {
  const fine = (visit: string): boolean => {
    const lanes = incident.lanes.filter((lane) => lane.visit === visit && lane.tried > 0);
    return lanes.length > 0 && lanes.every((lane) => lane.failing === 0);
  };
  const seenByVisits = incident.targets.length > 0;
  if (seenByVisits && !incident.lanes.some((lane) => lane.failing > 0)) return [];
  if (fine('session')) return ['signed-in users still get in'];
  if (failsFor(incident, 'session')) {
    // The reverse: what keeps users out lets strangers come as far as they may.
    const asFar = fine('fresh') ? ['strangers are still sent to the login'] : [];
    return fine('login') ? [...asFar, 'logins work'] : asFar;
  }
  return fine('return') ? ['visitors with a session cookie still get through'] : [];
}

function failsFor({ lanes }: Incident, visit: string): boolean {
  return lanes.some((lane) => lane.visit === visit && lane.failing > 0);
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'no service';
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return names.slice(0, NAMED).join(', ') + more;
}
