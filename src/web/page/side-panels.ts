// What stands beside the services: components, sessions at the gates, receivers, configuration, demo switches.

import { html } from 'hono/html';
import { COMPONENT_TYPES } from '../../model/component.ts';
import type { ComponentStatus, GateStatus, Snapshot } from '../../model/snapshot.ts';
import type { DemoFaults } from '../reads.ts';
import type { Tone } from '../standing.ts';
import { clockTime, type Markup, percent, relative, time } from './words.ts';

const STATE_TONE: Readonly<Record<ComponentStatus['state'], Tone>> = {
  ok: 'good',
  suspect: 'warn',
  down: 'bad',
  untested: 'wait',
};
const STATE_SYMBOL: Readonly<Record<ComponentStatus['state'], string>> = {
  ok: '✓',
  suspect: '!',
  down: '✕',
  untested: '?',
};

/** Shared components in the order a request meets them; targets have the table. */
export function componentPanel(snapshot: Snapshot): Markup {
  const types: readonly string[] = COMPONENT_TYPES;
  const rank = (type: string): number => (types.includes(type) ? types.indexOf(type) : types.length);
  const shared = snapshot.components
    .filter(({ component }) => component.type !== 'target')
    .toSorted((a, b) => rank(a.component.type) - rank(b.component.type));
  if (shared.length === 0) return html``;
  const rows = shared.map(
    ({ component, state, suspicion }) =>
      html`<li title="${state}, suspicion ${percent(suspicion)}, behind ${component.type}"><span class="mark ${STATE_TONE[state]}">${STATE_SYMBOL[state]}</span><span class="component"><b>${component.type}</b> ${component.name}</span>${state === 'ok' ? '' : html`<span class="aside">${state === 'untested' ? 'not tested' : percent(suspicion)}</span>`}</li>`,
  );
  return html`<section class="card"><h2>On the way</h2><ul class="rows">${rows}</ul></section>`;
}

/** Sessions made, held and allowed at each outpost. */
export function gatePanel(gates: readonly GateStatus[]): Markup {
  if (gates.length === 0) return html``;
  return html`<section class="card"><h2>Sessions at the gate</h2>${gates.map(outpost)}</section>`;
}

function outpost(gate: GateStatus): Markup {
  const budget =
    gate.budgetPerMinute === null
      ? 'fresh visits cost nothing here'
      : `${rate(gate.budgetPerMinute)}, ${Math.floor(gate.tokens)} of ${gate.capacity} in hand`;
  const share =
    gate.storeSessions === null || gate.storeSessions === 0 ? null : gate.held / gate.storeSessions;
  return html`<div class="outpost"><h3>${gate.outpost}${gate.gates.length > 1 ? html` <span class="aside">${gate.gates.join(', ')}</span>` : ''}</h3>
<dl>
<dt>Budget</dt><dd>${budget}</dd>
<dt>Made</dt><dd>${gate.created} counted, ${gate.seen} seen</dd>
<dt>Held</dt><dd>${Math.round(gate.held)}${gate.storeSessions === null ? '' : ` of ${gate.storeSessions} the store takes`}</dd>
</dl>
${share === null ? '' : html`<meter min="0" max="1" low="0.5" high="0.8" optimum="0" value="${Math.min(1, share).toFixed(3)}" title="our share of the store">${percent(share)}</meter>`}
</div>`;
}

/** Fresh visits a minute, as `6 a minute` or `one in 6 min`. */
function rate(perMinute: number): string {
  if (perMinute >= 1) return `${Math.round(perMinute * 10) / 10} visits a minute`;
  const minutes = perMinute > 0 ? 1 / perMinute : Number.POSITIVE_INFINITY;
  if (!Number.isFinite(minutes)) return 'no visits';
  return minutes < 2
    ? `one visit in ${Math.round(minutes * 60)} s`
    : `one visit in ${Math.round(minutes)} min`;
}

/** Where alerts go, and whether they arrive. */
export function receiverPanel({ receivers, at }: Snapshot): Markup {
  const rows = receivers.map(({ name, kind, queued, lastDeliveryAt, lastError }) => {
    const tone: Tone = lastError !== null ? 'bad' : queued > 0 ? 'warn' : 'good';
    const state =
      lastError ??
      (lastDeliveryAt === null ? 'nothing to deliver yet' : `delivered ${relative(lastDeliveryAt, at)}`);
    return html`<li><span class="mark ${tone}">${tone === 'bad' ? '✕' : tone === 'warn' ? '!' : '✓'}</span><span class="component"><b>${name}</b> ${kind}</span><span class="aside">${queued > 0 ? `${queued} waiting, ` : ''}${state}</span></li>`;
  });
  const none = html`<li><span class="mark warn">!</span>No receiver is configured: nobody is told.</li>`;
  return html`<section class="card"><h2>Alerts go to</h2><ul class="rows">${receivers.length === 0 ? none : rows}</ul></section>`;
}

/** Firing alerts of others that are taken for evidence; nothing where there are none. */
export function inboundPanel({ inbound, at }: Snapshot): Markup {
  if (inbound.length === 0) return html``;
  const rows = inbound.map(({ alertname, component, startsAt, holdsUntil }) => {
    const since = time(startsAt, `since ${clockTime(startsAt, at)}`);
    const held =
      holdsUntil === null
        ? html``
        : html`, alerts of its services wait until ${time(holdsUntil, clockTime(holdsUntil, at))}`;
    return html`<li><span class="mark warn">!</span><span class="component"><b>${alertname}</b> ${component}</span><span class="aside">${since}${held}</span></li>`;
  });
  return html`<section class="card"><h2>Evidence from elsewhere</h2><ul class="rows">${rows}</ul></section>`;
}

/** Planned work that runs, then what comes next; nothing where none is configured. */
export function maintenancePanel({ maintenance, at }: Snapshot): Markup {
  if (maintenance.length === 0) return html``;
  const rows = maintenance.map(({ about, now, next }) => {
    if (now !== null)
      return html`<li><span class="mark warn">~</span><span class="component">${about}</span><span class="aside">until ${time(now.endsAt, clockTime(now.endsAt, at))}: no new alert</span></li>`;
    if (next === null)
      return html`<li><span class="mark wait">–</span><span class="component">${about}</span><span class="aside">over</span></li>`;
    return html`<li><span class="mark wait">·</span><span class="component">${about}</span><span class="aside">next ${time(next.startsAt, clockTime(next.startsAt, at))}</span></li>`;
  });
  return html`<section class="card"><h2>Maintenance</h2><ul class="rows">${rows}</ul></section>`;
}

/** The file in use, and the error of the last attempt to load a newer one. */
export function configPanel({ config, at }: Snapshot): Markup {
  const file = config.file ?? 'built-in demo';
  const loaded = html`${time(config.loadedAt, clockTime(config.loadedAt, at))}`;
  if (config.error === null) {
    return html`<section class="card"><h2>Configuration</h2><ul class="rows"><li><span class="mark good">✓</span><span class="component">${file}</span><span class="aside">loaded ${loaded}</span></li></ul></section>`;
  }
  return html`<section class="card warn"><h2>Configuration</h2><ul class="rows"><li><span class="mark bad">✕</span><span class="component">${file}</span><span class="aside">the one of ${loaded} stays in use</span></li></ul><pre class="error">${config.error}</pre></section>`;
}

/** Fault switches of the demo site; `enabled` is false where changes are refused anyway. */
export function demoPanel(demo: DemoFaults | null, enabled: boolean): Markup {
  if (demo === null) return html``;
  const rows = demo.faults().map(
    ({ id, title, on }) => html`<li><form method="post" action="/demo/faults/${encodeURIComponent(id)}">
<input type="hidden" name="on" value="${on ? 'false' : 'true'}">
<button id="fault-${id}" class="switch${on ? ' on' : ''}" type="submit" role="switch" aria-checked="${on ? 'true' : 'false'}"${enabled ? '' : html` disabled`}><span class="knob"></span>${title}</button>
</form></li>`,
  );
  return html`<section class="card demo"><h2>Break the demo site</h2><ul class="switches">${rows}</ul></section>`;
}
