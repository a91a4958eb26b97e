// Annotations of an alert: the texts that people read. Every text is catalogue, configuration, validated hosts and
// numbers; what comes from responses is evidence, filtered (threats O1, O3, O10).

import type { Incident } from '../model/incident.ts';
import { evidenceText } from '../model/text.ts';
import { type AlertContext, incidentUrl } from './alert-context.ts';
import { descriptionOf } from './description.ts';
import { firstCheckOf } from './first-check.ts';
import { summaryOf } from './summary.ts';

/** Bytes of one annotation, and of all annotations of an alert together. */
const ANNOTATION_BYTES = 8 * 1024;
const ALERT_BYTES = 28 * 1024;
/** Targets named before `and N more`. */
const TARGETS_NAMED = 100;

/** All annotations; empty ones are left out. `labels` are the frozen ones. */
export function annotationsFromIncident(
  incident: Incident,
  labels: Readonly<Record<string, string>>,
  context: AlertContext,
): Readonly<Record<string, string>> {
  const { alerts } = context;
  return bounded({
    summary: summaryOf(incident, labels, context),
    first_check: firstCheckOf(incident, context),
    runbook_url: alerts.runbooks === null ? '' : `${alerts.runbooks}${labels['alertname'] ?? ''}`,
    dashboard_url: incidentUrl(incident.id, context) ?? '',
    superseded_by: evidenceText(incident.supersededBy ?? ''),
    description: descriptionOf(incident, context),
    acquitted: acquittedText(incident),
    targets: targetsText(incident.targets),
  });
}

function acquittedText(incident: Incident): string {
  return incident.acquitted
    .map(({ component, tested, evidence }) => {
      const why = evidenceText(evidence);
      return `${component.id}: ${tested ? why : `not tested${why === '' ? '' : ` (${why})`}`}`;
    })
    .join('\n');
}

function targetsText(targets: readonly string[]): string {
  const named = targets.slice(0, TARGETS_NAMED).join(', ');
  const more = targets.length - TARGETS_NAMED;
  return more > 0 ? `${named} and ${more} more` : named;
}

// In the order of importance: what does not fit any more is cut last to first.
function bounded(texts: Record<string, string>): Record<string, string> {
  let left = ALERT_BYTES;
  const kept: Record<string, string> = {};
  for (const [name, text] of Object.entries(texts)) {
    const cut = cutBytes(cleanLines(text), Math.min(ANNOTATION_BYTES, left));
    if (cut === '') continue;
    kept[name] = cut;
    left -= Buffer.byteLength(cut);
  }
  return kept;
}

// Whatever was put together above: no name, of us or of others, brings a control character along.
function cleanLines(text: string): string {
  const lines = text.split('\n').map((line) => evidenceText(line, ANNOTATION_BYTES));
  return lines.join('\n');
}

/** Text of at most `limit` bytes of UTF-8, cut between characters, with `…` where it was cut. */
export function cutBytes(text: string, limit: number): string {
  if (Buffer.byteLength(text) <= limit) return text;
  const ellipsis = '…';
  const room = limit - Buffer.byteLength(ellipsis);
  if (room <= 0) return '';
  // A decoder that ignores an incomplete last character leaves whole ones only.
  const whole = new TextDecoder().decode(Buffer.from(text).subarray(0, room), { stream: true });
  return whole + ellipsis;
}
