// Services against kinds of visit and paths: one mark a check.

import { html } from 'hono/html';
import type { CheckStatus, Snapshot, TargetStatus } from '../../model/snapshot.ts';
import { checksByTarget, type LaneStanding, lanes, worstVerdict } from '../standing.ts';
import { checkHref, type Markup, mark, relative, visitWords } from './words.ts';

/** Rows that need a look come first. */
const ORDER: readonly (string | null)[] = ['down', 'degraded', null, 'unknown', 'up'];

interface Row {
  readonly target: TargetStatus;
  readonly checks: readonly CheckStatus[];
}

/** The table; rows that fail first, then by name. */
export function matrix(snapshot: Snapshot): Markup {
  const columns = lanes(snapshot);
  const byTarget = checksByTarget(snapshot);
  const rows: Row[] = snapshot.targets.map((target) => ({ target, checks: byTarget.get(target.id) ?? [] }));
  const rank = ({ checks }: Row): number => ORDER.indexOf(worstVerdict(checks));
  const sorted = rows.toSorted((a, b) => rank(a) - rank(b) || (a.target.id < b.target.id ? -1 : 1));
  return html`<section class="card matrix">
<h2>Services</h2>
<div class="scroll"><table>
<thead>${heads(columns)}</thead>
<tbody>${sorted.map((row) => serviceRow(row, columns, snapshot.at))}</tbody>
</table></div>
<p class="legend"><span class="mark good">✓</span> up <span class="mark warn">!</span> slow <span class="mark bad">✕</span> down <span class="mark wait">?</span> unknown <span class="mark wait">·</span> no result yet or idle</p>
</section>`;
}

function heads(columns: readonly LaneStanding[]): Markup {
  const visits = [...new Set(columns.map((column) => column.visit))];
  const groups = visits.map((visit) => {
    const count = columns.filter((column) => column.visit === visit).length;
    return html`<th colspan="${count}" scope="colgroup">${visitWords(visit).who}</th>`;
  });
  return html`<tr><th></th>${groups}</tr><tr><th scope="col" class="name">Service</th>${inOrder(columns).map(
    (column) => html`<th scope="col">${column.path}</th>`,
  )}</tr>`;
}

/** Columns grouped by visit, as the heads are. */
function inOrder(columns: readonly LaneStanding[]): readonly LaneStanding[] {
  const visits = [...new Set(columns.map((column) => column.visit))];
  return visits.flatMap((visit) => columns.filter((column) => column.visit === visit));
}

function serviceRow({ target, checks }: Row, columns: readonly LaneStanding[], now: number): Markup {
  const expected = [...new Set(Object.values(target.expect).map(({ is }) => is))].filter(
    (is) => is !== 'login',
  );
  return html`<tr>
<th scope="row" class="name">${breakable(target.id)}${expected.map((is) => html` <span class="tag quiet">${is}</span>`)}</th>
${inOrder(columns).map((column) =>
  cell(
    checks.find((check) => check.visit === column.visit && check.path === column.path),
    now,
  ),
)}
</tr>`;
}

/** Host names break before their dots, not inside a word. */
function breakable(id: string): Markup {
  const [first, ...rest] = id.split('.');
  return html`${first}${rest.map((part) => html`<wbr>.${part}`)}`;
}

function cell(check: CheckStatus | undefined, now: number): Markup {
  if (check === undefined) return html`<td class="none"></td>`;
  const { symbol, word, tone } =
    check.idle !== null && check.verdict === null
      ? { symbol: '·', word: check.idle, tone: 'wait' }
      : mark(check.verdict);
  const age = check.lastAt === null ? '' : `, ${relative(check.lastAt, now)}`;
  const why = check.reason === '' ? '' : `: ${check.reason}`;
  return html`<td><a class="mark ${tone}" href="${checkHref(check.id)}" title="${word}${why}${age}">${symbol}<span class="hidden"> ${word}</span></a></td>`;
}
