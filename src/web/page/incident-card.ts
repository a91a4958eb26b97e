// One incident as people need it at night: what, who is to blame, who is not and why, what to do first.

import { html } from 'hono/html';
import { humanDuration } from '../../base/duration.ts';
import type { Component } from '../../model/component.ts';
import type { Acquittal, Incident } from '../../model/incident.ts';
import type { EpochMs } from '../../model/observation.ts';
import type { SignatureText } from '../../model/verdict.ts';
import type { IncidentText } from '../reads.ts';
import { incidentTone } from '../standing.ts';
import { clockTime, incidentHref, type Markup, percent, time, visitWords } from './words.ts';

/** Affected services shown before the rest folds away. */
const SHOWN_TARGETS = 12;

export interface CardContext {
  readonly now: EpochMs;
  readonly text: IncidentText;
  /** Catalogue text of the dominant signature; null when unknown. */
  readonly signature: SignatureText | null;
  /** The summary stands right above already, as the page's headline. */
  readonly titled: boolean;
}

/** Names of the kinds that people read. */
const KIND_WORDS: Readonly<Record<Incident['kind'], string>> = {
  shared: 'shared fault',
  service: 'service down',
  exposed: 'open to strangers',
  'walled-off': 'asks for login',
  certificate: 'certificate',
  budget: 'session store',
  drift: 'drift',
  prober: 'probing',
};

/** The card. */
export function incidentCard(incident: Incident, context: CardContext): Markup {
  const { now, text } = context;
  return html`<article class="card incident ${incidentTone(incident)}" id="${incident.id}">
<header>
<span class="tag ${incidentTone(incident)}">${KIND_WORDS[incident.kind]}</span>
<span class="state">${stateWords(incident, now)}</span>
<a class="permalink" href="${incidentHref(incident.id)}">${incident.id}</a>
</header>
${context.titled ? html`<h2>${text.summary}</h2>` : ''}
${blameLine(incident)}
<p class="description">${text.description}</p>
${laneList(incident)}
${firstCheck(text.firstCheck)}
${context.signature === null ? '' : html`<p class="meaning"><b>${context.signature.id}</b> ${context.signature.meaning}</p>`}
${acquittals(incident.acquitted)}
${affected(incident)}
</article>`;
}

function stateWords(incident: Incident, now: EpochMs): Markup {
  const since = time(incident.startedAt, clockTime(incident.startedAt, now));
  if (incident.resolvedAt !== null) {
    const lasted = humanDuration(incident.resolvedAt - incident.startedAt);
    return html`${since} to ${time(incident.resolvedAt, clockTime(incident.resolvedAt, now))}, lasted ${lasted}`;
  }
  const lasting = humanDuration(now - incident.startedAt);
  return html`since ${since}, ${lasting}${incident.state === 'recovering' ? ', recovering' : ''}`;
}

/** The component in words; its type first, because that is what one looks for. */
function componentName({ type, name }: Component): Markup {
  return html`<span class="component"><b>${type}</b> ${name}</span>`;
}

function blameLine(incident: Incident): Markup {
  if (incident.blame === null) {
    if (incident.kind !== 'shared') return html``;
    const shared =
      incident.inCommon.length === 0 ? '' : ` The services that fail share ${incident.inCommon.join(', ')}.`;
    return html`<p class="blame"><span class="label">To blame</span> <b>nothing that gatewatch knows.</b>${shared}</p>`;
  }
  const sure =
    incident.probability > 0 ? html` <span class="sure">${percent(incident.probability)} sure</span>` : '';
  const before =
    incident.firstBlame !== null && incident.firstBlame.id !== incident.blame.id
      ? html` <span class="sure">first blamed: ${componentName(incident.firstBlame)}</span>`
      : '';
  const ambiguous =
    incident.ambiguous.length === 0
      ? ''
      : html` <span class="sure">cannot be told from ${incident.ambiguous.map((each) => html` ${componentName(each)}`)}</span>`;
  return html`<p class="blame"><span class="label">To blame</span> ${componentName(incident.blame)}${sure}${before}${ambiguous}</p>`;
}

function laneList(incident: Incident): Markup {
  if (incident.lanes.length === 0) return html``;
  const rows = incident.lanes.map(({ visit, path, failing, tried }) => {
    const tone = failing === 0 ? 'good' : failing * 2 >= tried ? 'bad' : 'warn';
    const words = failing === 0 ? `all ${tried} get in` : `${failing} of ${tried} fail`;
    return html`<li class="${tone}"><span>${visitWords(visit).who} <i>over</i> ${path}</span><b>${words}</b></li>`;
  });
  return html`<ul class="lanes-list">${rows}</ul>`;
}

/** A command or instruction to start with, easy to copy with and without the script. */
export function firstCheck(text: string | null): Markup {
  if (text === null) return html``;
  return html`<div class="first-check"><span class="label">Check first</span><div class="command"><code>${text}</code><button class="copy" type="button" hidden>Copy</button></div></div>`;
}

function acquittals(acquitted: readonly Acquittal[]): Markup {
  if (acquitted.length === 0) return html``;
  const rows = acquitted.map(({ component, tested, evidence }) =>
    tested
      ? html`<li><span class="mark good">✓</span><span class="words">${componentName(component)} <span class="evidence">${evidence}</span></span></li>`
      : html`<li class="untested"><span class="mark wait">?</span><span class="words">${componentName(component)} <span class="evidence">not tested: ${evidence}</span></span></li>`,
  );
  return html`<div class="acquitted"><span class="label">Not to blame</span><ul>${rows}</ul></div>`;
}

function affected(incident: Incident): Markup {
  if (incident.targets.length === 0) return html``;
  const count = incident.targets.length;
  const behind = incident.behind > count ? `, ${incident.behind} behind it` : '';
  const item = (target: string): Markup => html`<li>${target}</li>`;
  const rest = incident.targets.slice(SHOWN_TARGETS);
  return html`<div class="affected"><span class="label">${count} affected${behind}</span>
<ul class="names">${incident.targets.slice(0, SHOWN_TARGETS).map(item)}</ul>
${rest.length === 0 ? '' : html`<details id="${incident.id}-targets"><summary>${rest.length} more</summary><ul class="names">${rest.map(item)}</ul></details>`}
</div>`;
}
