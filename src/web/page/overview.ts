// The front page: in five seconds, do strangers and users get in, over which path, and who is to blame if not.

import { html } from 'hono/html';
import type { Snapshot } from '../../model/snapshot.ts';
import type { DemoFaults, Reads } from '../reads.ts';
import { headline, type LaneStanding, lanes, laneTone, ranked } from '../standing.ts';
import { incidentCard } from './incident-card.ts';
import { matrix } from './matrix.ts';
import {
  componentPanel,
  configPanel,
  demoPanel,
  gatePanel,
  inboundPanel,
  maintenancePanel,
  receiverPanel,
} from './side-panels.ts';
import { type Markup, TONE_SYMBOL, visitWords } from './words.ts';

export interface OverviewTools {
  readonly reads: Pick<Reads, 'summary' | 'texts'>;
  readonly demo: DemoFaults | null;
  /** Whether people may press buttons here. */
  readonly changes: boolean;
}

/** Content of `/`, with the headline that also names the browser's tab. */
export function overview(
  snapshot: Snapshot,
  { reads, demo, changes }: OverviewTools,
): { readonly content: Markup; readonly head: ReturnType<typeof headline> } {
  const head = headline(snapshot, (incident) => reads.summary(incident).summary);
  const incidents = ranked(snapshot.incidents);
  const cards = incidents.map((incident) => {
    const text = reads.summary(incident);
    const signature = incident.signature === null ? null : reads.texts(incident.signature);
    return incidentCard(incident, { now: snapshot.at, text, signature, titled: text.summary !== head.text });
  });
  const content = html`<section class="banner ${head.tone}">
<div class="verdict"><span class="sign" aria-hidden="true">${TONE_SYMBOL[head.tone]}</span><div><h1>${head.text}</h1>${head.more === '' ? '' : html`<p>${head.more}</p>`}</div></div>
${laneTable(lanes(snapshot))}
</section>
${cards.length === 0 ? '' : html`<section class="incidents">${cards}</section>`}
<div class="columns">
${matrix(snapshot)}
<aside>
${demoPanel(demo, changes)}
${componentPanel(snapshot)}
${gatePanel(snapshot.gates)}
${receiverPanel(snapshot)}
${maintenancePanel(snapshot)}
${inboundPanel(snapshot)}
${configPanel(snapshot)}
</aside>
</div>`;
  return { content, head };
}

/** Kinds of visit against paths: how many of the services let this visitor in. */
function laneTable(all: readonly LaneStanding[]): Markup {
  if (all.length === 0) return html``;
  const visits = [...new Set(all.map((lane) => lane.visit))];
  const paths = [...new Set(all.map((lane) => lane.path))];
  const rows = visits.map((visit) => {
    const { who, how } = visitWords(visit);
    const cells = paths.map((path) =>
      laneCell(all.find((lane) => lane.visit === visit && lane.path === path)),
    );
    return html`<tr><th scope="row">${who}<small>${how}</small></th>${cells}</tr>`;
  });
  return html`<table class="lanes"><thead><tr><th></th>${paths.map((path) => html`<th scope="col">over ${path}</th>`)}</tr></thead><tbody>${rows}</tbody></table>`;
}

function laneCell(lane: LaneStanding | undefined): Markup {
  if (lane === undefined) return html`<td class="none">–</td>`;
  const tone = laneTone(lane);
  const judged = lane.up + lane.down;
  const open = lane.open === 0 ? '' : html`<small>${lane.open} without verdict</small>`;
  if (judged === 0) return html`<td class="wait"><b>waiting</b>${open}</td>`;
  const [count, does] = lane.down === 0 ? [lane.up, 'get in'] : [lane.down, 'fail'];
  return html`<td class="${tone}"><div class="lane"><span class="mark ${tone}">${TONE_SYMBOL[tone]}</span><span><b>${count} of ${judged}</b> <span class="does">${does}</span>${open}</span></div></td>`;
}
