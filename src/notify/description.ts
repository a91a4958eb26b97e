// The longer text of an alert: what fails, since when, on which visits and paths, who still gets in, how sure we are.

import { humanDuration } from '../base/duration.ts';
import type { InboundAlert } from '../model/inbound.ts';
import type { Incident } from '../model/incident.ts';
import { evidenceText } from '../model/text.ts';
import { type AlertContext, inboundOf } from './alert-context.ts';
import { titleOf, whoGetsIn } from './summary.ts';

/** Longest part that another room worded, in characters. */
const PART_LIMIT = 500;
/** Visit and path pairs that are listed. */
const LANES = 24;
/** Alerts of others that are listed. */
const INBOUND = 5;

/** Annotation `description`: several lines. */
export function descriptionOf(incident: Incident, context: AlertContext): string {
  return [
    meaningOf(incident, context),
    whenOf(incident),
    ...lanesOf(incident),
    ...whoGetsIn(incident).map((who) => `${who[0]?.toUpperCase() ?? ''}${who.slice(1)}.`),
    certaintyOf(incident, context),
    ...(incident.state === 'resolved' ? [] : inboundOf(incident, context).slice(0, INBOUND).map(inboundLine)),
    incident.flaps > 0 ? `It has come and gone ${incident.flaps} times.` : '',
  ]
    .filter((line) => line !== '')
    .join('\n');
}

function meaningOf(incident: Incident, context: AlertContext): string {
  const text = incident.signature === null ? null : context.texts(incident.signature);
  const detail = evidenceText(incident.detail ?? '', PART_LIMIT);
  const meaning = text === null ? '' : `${evidenceText(text.meaning, PART_LIMIT)} (${text.id})`;
  return [detail, meaning].filter((part) => part !== '').join(' ');
}

function whenOf(incident: Incident): string {
  const since = utc(incident.startedAt);
  if (incident.resolvedAt === null) return `Since ${since}.`;
  const lasted = humanDuration(Math.max(0, incident.resolvedAt - incident.startedAt));
  return `From ${since} until ${utc(incident.resolvedAt)} (${lasted}).`;
}

function lanesOf(incident: Incident): string[] {
  const verb = incident.state === 'resolved' ? 'failed' : 'fail';
  return incident.lanes
    .slice(0, LANES)
    .map(({ visit, path, failing, tried }) => `${visit} over ${path}: ${failing} of ${tried} ${verb}`);
}

function certaintyOf(incident: Incident, context: AlertContext): string {
  if (incident.kind !== 'shared') return '';
  const percent = Math.round(Math.min(0.999, incident.probability) * 1000) / 10;
  const others = incident.ambiguous.map((one) => titleOf(one, context)).join(', ');
  const untold = others === '' ? '' : ` Nothing tells it apart from ${others}.`;
  return `Probability of the blame ${percent} %.${untold}`;
}

/** What another alert says; its name and component are the configuration's words. */
function inboundLine({ alertname, component, startsAt }: InboundAlert): string {
  return `Evidence from elsewhere: ${alertname} fires about ${component} since ${utc(startsAt)}.`;
}

function utc(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
