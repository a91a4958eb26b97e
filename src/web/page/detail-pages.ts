// The pages of one check and of one incident. Evidence is shown as stored: redacted, one line a field.

import { html } from 'hono/html';
import { answeredBy } from '../../model/answered-by.ts';
import type { ArtifactKind } from '../../model/artifact.ts';
import type { Evidence } from '../../model/evidence.ts';
import type { Incident } from '../../model/incident.ts';
import type { EpochMs, FlowEnd } from '../../model/observation.ts';
import type { KeptFlow, StoredResult } from '../../model/result.ts';
import type { CheckStatus } from '../../model/snapshot.ts';
import type { SignatureText } from '../../model/verdict.ts';
import type { IncidentText } from '../reads.ts';
import { firstCheck, incidentCard } from './incident-card.ts';
import { clockTime, type Markup, mark, milliseconds, relative, time, visitWords } from './words.ts';

export interface CheckPage {
  readonly check: CheckStatus;
  /** Newest first. */
  readonly results: readonly StoredResult[];
  readonly signature: SignatureText | null;
  /** First check with its placeholders filled; null when there is none. */
  readonly firstCheck: string | null;
  readonly now: EpochMs;
  /** Whether people may press buttons here. */
  readonly changes: boolean;
  /** Kinds of files of a failed browser visit that are there and may be seen. */
  readonly artifacts: (id: string) => readonly ArtifactKind[];
}

/** Content of `/checks/<id>`. */
export function checkPage({
  check,
  results,
  signature,
  firstCheck: command,
  now,
  changes,
  artifacts,
}: CheckPage): Markup {
  const { symbol, word, tone } = mark(check.verdict);
  const latest = results[0];
  return html`<section class="banner ${tone}">
<div class="verdict"><span class="sign" aria-hidden="true">${symbol}</span><div><h1>${check.target}</h1><p>${check.kind === 'visit' ? visitWords(check.visit).who : `canary ${check.visit}`}${check.path === null ? '' : ` over ${check.path}`}: <b>${word}</b>${check.since === null ? '' : html` since ${time(check.since, clockTime(check.since, now))}`}</p></div></div>
</section>
<section class="card">
<p class="description">${check.reason === '' ? 'No result yet.' : check.reason}</p>
<dl class="facts">
<dt>Last probe</dt><dd>${check.lastAt === null ? 'none yet' : time(check.lastAt, relative(check.lastAt, now))}</dd>
<dt>Next probe</dt><dd>${check.idle ?? (check.nextAt === null ? 'when the budget allows' : relative(check.nextAt, now))}</dd>
<dt>Id</dt><dd><code>${check.id}</code></dd>
</dl>
${signature === null ? '' : html`<p class="meaning"><b>${signature.id}</b> ${signature.meaning}</p>${firstCheck(command)}`}
${changes ? html`<form method="post" action="/checks/${encodeURIComponent(check.id)}/run"><button class="plain" id="run" type="submit">Probe now</button></form>` : ''}
</section>
${latest === undefined ? '' : hopTable(latest, now)}
${results.flatMap((result) => (result.flow === undefined ? [] : flowSection(result, result.flow, { now, artifacts }))).slice(0, SHOWN_FLOWS)}
${resultTable(results, now)}`;
}

/** Flows shown: the newest and a few before, for people compare them. */
const SHOWN_FLOWS = 3;

/** Steps of a flow, what of its last page failed, and the files that a failed one left. */
function flowSection(
  { at }: StoredResult,
  { steps, end, page, artifacts: id }: KeptFlow,
  context: Pick<CheckPage, 'now' | 'artifacts'>,
): Markup {
  const rows = steps.map(
    ({ name, durationMs, failed }) =>
      html`<tr><td class="wide">${name}${failed === null ? '' : html`<small>${failed}</small>`}</td><td>${milliseconds(durationMs)}</td><td>${failed === null ? 'done' : html`<b>failed</b>`}</td></tr>`,
  );
  const failures = (page?.failedResources ?? []).map(
    ({ url, type, status, error }) =>
      html`<tr><td class="wide"><code>${url}</code></td><td>${type}</td><td><b>${error ?? status ?? 'no answer'}</b></td></tr>`,
  );
  const files = id === null ? [] : context.artifacts(id);
  const links = files.map((kind) => html`<a href="/artifacts/${id}/${kind}">${ARTIFACT_WORDS[kind]}</a> `);
  return html`<section class="card"><h2>Steps of the login</h2>
<p class="aside">${time(at, clockTime(at, context.now))}, ended: ${FLOW_WORDS[end]}</p>
<div class="scroll"><table class="results"><thead><tr><th class="wide">Step</th><th>Took</th><th></th></tr></thead><tbody>${rows}</tbody></table></div>
${failures.length === 0 ? '' : html`<h2>What its page did not get</h2><div class="scroll"><table class="results"><tbody>${failures}</tbody></table></div>`}
${links.length === 0 ? '' : html`<p class="artifacts">${links}</p>`}
</section>`;
}

const ARTIFACT_WORDS: Readonly<Record<ArtifactKind, string>> = {
  screenshot: 'Screenshot',
  exchanges: 'Record of exchanges',
  console: 'Console',
};

const FLOW_WORDS: Readonly<Record<FlowEnd, string>> = {
  app: 'at the app, signed in',
  rejected: 'the credentials were refused',
  denied: 'access was denied',
  'needs-human': 'something only a person can give is asked for',
  'flow-error': 'an error of the login flow',
  'callback-failed': 'the way back from the login failed',
  'page-blank': 'the login page is blank',
  'not-finished': 'before its end',
};

function hopTable(result: StoredResult, now: EpochMs): Markup {
  const rows = result.evidence.map((hop, index) => hopRow(hop, index));
  return html`<section class="card"><h2>The last probe, hop by hop</h2>
<p class="aside">${time(result.at, clockTime(result.at, now))}, ${milliseconds(result.durationMs)} in all</p>
<div class="scroll"><table class="hops"><thead><tr><th></th><th>Request</th><th>DNS</th><th>TCP</th><th>TLS</th><th>First byte</th><th>Answer</th><th>Answered by</th></tr></thead><tbody>${rows}</tbody></table></div>
</section>`;
}

function hopRow(hop: Evidence, index: number): Markup {
  const { timings } = hop;
  const details = [
    hop.remote === null ? '' : `dialled ${hop.remote}`,
    hop.resolver === null ? '' : `resolver ${hop.resolver}`,
    hop.location === null ? '' : `→ ${hop.location}`,
    hop.setCookies.length === 0 ? '' : `sets ${hop.setCookies.join(', ')}`,
    hop.certificate === null
      ? ''
      : `certificate ${hop.certificate.name ?? '(no name matches)'}, ends ${new Date(hop.certificate.notAfter).toISOString().slice(0, 10)}`,
    hop.error === null ? '' : `${hop.error.code}: ${hop.error.message}`,
  ].filter((text) => text !== '');
  return html`<tr><td>${index + 1}</td><td><code>${hop.url}</code>${details.map((text) => html`<small>${text}</small>`)}</td>
<td>${milliseconds(timings.dnsMs)}</td><td>${milliseconds(timings.connectMs)}</td><td>${milliseconds(timings.tlsMs)}</td><td>${milliseconds(timings.firstByteMs)}</td>
<td><b>${hop.status ?? hop.error?.code ?? '–'}</b></td><td>${answeredBy(hop) ?? '–'}</td></tr>`;
}

function resultTable(results: readonly StoredResult[], now: EpochMs): Markup {
  const rows = results.map((result) => {
    const { symbol, word, tone } = mark(result.verdict);
    return html`<tr><td>${time(result.at, clockTime(result.at, now))}</td><td><span class="mark ${tone}">${symbol}</span> ${word}</td><td>${result.status ?? '–'}</td><td>${milliseconds(result.durationMs)}</td><td class="wide">${result.reason}</td></tr>`;
  });
  return html`<section class="card"><h2>Last results</h2>
<div class="scroll"><table class="results"><thead><tr><th>Time</th><th>Verdict</th><th>Status</th><th>Took</th><th class="wide">Why</th></tr></thead><tbody>${rows.length === 0 ? html`<tr><td colspan="5">Nothing stored yet.</td></tr>` : rows}</tbody></table></div>
</section>`;
}

/** Targets named that are well. */
const UNAFFECTED_SHOWN = 12;

/** Content of `/incidents/<id>`. */
export function incidentPage(
  incident: Incident,
  context: { readonly text: IncidentText; readonly signature: SignatureText | null; readonly now: EpochMs },
): Markup {
  const facts: [string, string][] = [
    ['Opened', new Date(incident.openedAt).toISOString()],
    ['Extra probes spent', `${incident.probesSpent}, ${incident.sessionsSpent} of them with a new session`],
    ['Came back', incident.flaps === 1 ? 'once' : `${incident.flaps} times`],
  ];
  facts.unshift(...reasons(incident));
  if (incident.detail !== null) facts.push(['Detail', incident.detail]);
  if (incident.supersededBy !== null) facts.push(['Taken over by', incident.supersededBy]);
  return html`<section class="incidents">${incidentCard(incident, { ...context, titled: true })}</section>
<section class="card"><dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></section>`;
}

/** Why it is blamed, in numbers; only of what was inferred. */
function reasons(incident: Incident): [string, string][] {
  const { kind, reason, probability, severity, runnerUp, unaffected, wouldHelp, strays } = incident;
  if (kind !== 'shared' && reason !== 'uplink' && reason !== 'resolver') return [];
  const lines: [string, string][] = [
    ['Probability', percent(probability)],
    ['Share that fails', `about ${percent(severity)}`],
  ];
  if (runnerUp !== null) {
    const { component, odds } = runnerUp;
    const named = component === null ? 'nothing modelled' : `${component.type} ${component.name}`;
    lines.push([
      'Next best',
      `${named}, ${odds >= 1000 ? 'over 1000' : odds.toPrecision(2)} times less likely`,
    ]);
  }
  if (unaffected.length > 0) lines.push(['Not affected', unaffected.slice(0, UNAFFECTED_SHOWN).join(', ')]);
  if (strays.length > 0)
    lines.push(['Fails alike, though not behind it', `${strays.join(', ')}: check labels and gate`]);
  if (wouldHelp !== null) lines.push(['Missing', wouldHelp]);
  return lines;
}

function percent(share: number): string {
  return share > 0.99 && share < 1 ? 'over 99 %' : `${Math.round(100 * share)} %`;
}

/** Content of a page that only says one thing. */
export function messagePage(title: string, text: string): Markup {
  return html`<section class="banner wait"><div class="verdict"><div><h1>${title}</h1><p>${text}</p></div></div></section><p><a href="/">To the overview</a></p>`;
}
