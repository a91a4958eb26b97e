// The one stylesheet, as text. Light and dark by the reader's system, from a phone's width up; colour always comes
// with a symbol or a word.

export const STYLESHEET = `:root {
  color-scheme: light dark;
  --ground: #f5f6f8; --card: #ffffff; --line: #e3e6eb; --text: #1d2430; --soft: #5f6b7a; --faint: #8a94a3;
  --good: #1f7a52; --good-soft: #e6f4ed; --warn: #8f6400; --warn-soft: #fcf3dd;
  --bad: #b42f2f; --bad-soft: #fdecea; --wait: #6b7686; --wait-soft: #eceff3; --link: #2a5db0;
  --mono: ui-monospace, SFMono-Regular, "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161c; --card: #1a2028; --line: #2a323d; --text: #e4e8ee; --soft: #a0abba; --faint: #7a8696;
    --good: #5cc796; --good-soft: #16302a; --warn: #e0b354; --warn-soft: #332a17;
    --bad: #f08a80; --bad-soft: #3a2022; --wait: #96a1b0; --wait-soft: #242c36; --link: #8ab4f8;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 76rem; padding: 0 1.25rem 2rem; background: var(--ground); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
a:focus-visible, button:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
h1, h2, h3, p, ul, dl, dd { margin: 0; padding: 0; }
ul { list-style: none; }
small { display: block; font-size: .8rem; color: var(--soft); font-weight: 400; }
code { font-family: var(--mono); font-size: .85em; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }

.top { display: flex; align-items: center; gap: .8rem; padding: 1rem 0 .9rem; color: var(--soft); font-size: .9rem; }
.top b { font-weight: 600; color: var(--text); }
.wordmark { display: inline-flex; align-items: center; gap: .5rem; font-weight: 650; font-size: 1.05rem; color: var(--text);
  letter-spacing: -.01em; }
.wordmark:hover { text-decoration: none; }
.dot { width: .7rem; height: .7rem; border-radius: 50%; background: var(--wait); }
.dot.good { background: #2e9e6b; } .dot.warn { background: #d29a1b; } .dot.bad { background: #d64545; }
.vantage { overflow-wrap: anywhere; }
.tag { display: inline-block; padding: .05rem .5rem; border-radius: 1rem; font-size: .78rem; font-weight: 600;
  background: var(--wait-soft); color: var(--wait); white-space: nowrap; }
.tag.good { background: var(--good-soft); color: var(--good); }
.tag.warn { background: var(--warn-soft); color: var(--warn); }
.tag.bad { background: var(--bad-soft); color: var(--bad); }
.tag.quiet { font-weight: 500; font-size: .72rem; }
#stale { display: none; }
.stale #stale { display: block; margin: 0 0 .8rem; padding: .6rem 1rem; border-radius: .6rem; background: var(--warn-soft);
  color: var(--warn); font-weight: 600; }
.stale #live { opacity: .55; }

.banner { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 1.1rem 2.5rem;
  padding: 1.4rem 1.6rem; border-radius: .9rem; background: var(--wait-soft); }
.banner.good { background: var(--good-soft); } .banner.warn { background: var(--warn-soft); } .banner.bad { background: var(--bad-soft); }
.verdict { display: flex; gap: 1rem; align-items: flex-start; flex: 1 1 24rem; min-width: 0; }
.verdict > div { min-width: 0; }
.sign { flex: none; display: grid; place-items: center; width: 2.5rem; height: 2.5rem; border-radius: 50%; font-size: 1.25rem;
  font-weight: 700; color: var(--card); background: var(--wait); }
.good > .verdict .sign { background: var(--good); } .warn > .verdict .sign { background: var(--warn); } .bad > .verdict .sign { background: var(--bad); }
h1 { font-size: clamp(1.2rem, .95rem + 1vw, 1.55rem); line-height: 1.3; font-weight: 650; letter-spacing: -.012em;
  overflow-wrap: anywhere; text-wrap: pretty; margin-top: .25rem; }
.verdict p { color: var(--soft); margin-top: .2rem; }

table { border-collapse: collapse; }
th { text-align: left; font-weight: 500; color: var(--soft); font-size: .85rem; }
.lanes { flex: 0 1 auto; border-spacing: 0; }
.lanes th, .lanes td { padding: .3rem 1.1rem .3rem 0; vertical-align: top; }
.lanes td:last-child, .lanes th:last-child { padding-right: 0; }
.lanes tbody th { color: var(--text); font-weight: 600; }
.lanes td { white-space: nowrap; font-variant-numeric: tabular-nums; }
.lane { display: flex; gap: .45rem; }
.lanes td b { font-weight: 650; } .lanes td.bad, .lanes td.warn { color: var(--text); } .lanes td.bad b { color: var(--bad); } .lanes td.warn b { color: var(--warn); }
.lanes td.wait b { color: var(--wait); font-weight: 500; }
.mark { display: inline-grid; place-items: center; width: 1.35rem; height: 1.35rem; border-radius: .4rem; font-size: .8rem;
  font-weight: 700; line-height: 1; background: var(--wait-soft); color: var(--wait); flex: none; }
.mark.good { background: var(--good-soft); color: var(--good); } .mark.warn { background: var(--warn-soft); color: var(--warn); }
.mark.bad { background: var(--bad); color: var(--card); }
.banner .mark.good, .banner .mark.warn, .banner .mark.wait { background: var(--card); }
a.mark:hover { text-decoration: none; outline: 2px solid currentColor; }

.card { margin-top: 1rem; padding: 1.1rem 1.3rem; border: 1px solid var(--line); border-radius: .9rem; background: var(--card); }
.card > h2, .matrix h2 { font-size: .95rem; font-weight: 650; margin-bottom: .6rem; }
.incident { border-left: 4px solid var(--warn); }
.incident.bad { border-left-color: var(--bad); }
.incident header { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem .8rem; color: var(--soft); font-size: .88rem; }
.incident .permalink { margin-left: auto; color: var(--faint); }
.incident h2 { margin-top: .5rem; font-size: 1.15rem; line-height: 1.35; font-weight: 650; overflow-wrap: anywhere; }
.incident > * + * { margin-top: .75rem; }
.label { display: block; margin-bottom: .25rem; font-size: .74rem; font-weight: 650; letter-spacing: .05em; text-transform: uppercase;
  color: var(--faint); }
.blame { font-size: 1.05rem; } .blame .component b { color: var(--bad); } .warn .blame .component b { color: var(--warn); }
.sure { color: var(--soft); font-size: .88rem; margin-left: .4rem; } .blame .sure .component b { color: inherit; }
.component { overflow-wrap: anywhere; min-width: 0; }
.component b { font-weight: 650; }
.card > .meaning, .card > .first-check { margin-top: .75rem; }
.description { max-width: 62rem; white-space: pre-line; overflow-wrap: anywhere; }
.meaning { color: var(--soft); font-size: .9rem; max-width: 62rem; }
.meaning b { font-family: var(--mono); font-weight: 600; font-size: .92em; margin-right: .3rem; color: var(--text); }
.lanes-list { display: flex; flex-wrap: wrap; gap: .5rem; }
.lanes-list li { display: flex; gap: .6rem; padding: .25rem .75rem; border-radius: 1rem; font-size: .88rem; background: var(--good-soft); color: var(--good); }
.lanes-list li.bad { background: var(--bad-soft); color: var(--bad); } .lanes-list li.warn { background: var(--warn-soft); color: var(--warn); }
.lanes-list i { font-style: normal; opacity: .7; }
.lanes-list b { font-weight: 650; }
.command { display: flex; align-items: flex-start; gap: .6rem; padding: .55rem .8rem; border-radius: .6rem; background: var(--wait-soft); }
.command code { flex: 1; min-width: 0; overflow-wrap: anywhere; white-space: pre-wrap; user-select: all; line-height: 1.5; }
button { font: inherit; color: inherit; cursor: pointer; }
.copy, .plain { border: 1px solid var(--line); border-radius: .45rem; background: var(--card); padding: .1rem .65rem; font-size: .82rem; }
.plain { margin-top: .8rem; padding: .3rem .9rem; font-size: .9rem; }
.acquitted li { display: flex; gap: .6rem; padding: .16rem 0; }
.words { min-width: 0; overflow-wrap: anywhere; } .words .evidence { margin-left: .25rem; }
.evidence { color: var(--soft); }
.untested { color: var(--soft); }
.names { display: flex; flex-wrap: wrap; gap: .3rem .4rem; }
.names li { padding: .05rem .55rem; border-radius: .4rem; background: var(--wait-soft); font-size: .85rem; overflow-wrap: anywhere; }
details { margin-top: .4rem; } summary { cursor: pointer; color: var(--link); font-size: .88rem; } details .names { margin-top: .4rem; }

.columns { display: grid; grid-template-columns: minmax(0, 1.7fr) minmax(17rem, 1fr); gap: 0 1rem; align-items: start; }
.columns > .card { min-width: 0; }
.scroll { overflow-x: auto; position: relative; }
.matrix table { width: 100%; }
.matrix th, .matrix td { padding: .16rem .35rem; text-align: center; }
.matrix thead tr:last-child th { padding-bottom: .4rem; border-bottom: 1px solid var(--line); font-size: .8rem; }
.matrix tbody tr:first-child > * { padding-top: .45rem; }
.matrix thead tr:last-child th:not(.name), .matrix td { min-width: 2.9rem; }
.matrix .name { text-align: left; padding-left: 0; width: 100%; min-width: 7rem; }
.matrix tbody .name { color: var(--text); font-weight: 400; font-size: .92rem; overflow-wrap: anywhere; }
.matrix tbody tr:hover .name { color: var(--link); }
.legend { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem .5rem; margin-top: .9rem; color: var(--soft); font-size: .8rem; }
.legend .mark { width: 1.1rem; height: 1.1rem; font-size: .68rem; } .legend .mark:not(:first-child) { margin-left: .5rem; }

.rows li { display: flex; flex-wrap: wrap; align-items: center; gap: .55rem; padding: .18rem 0; font-size: .92rem; }
.aside { margin-left: auto; color: var(--soft); font-size: .82rem; text-align: right; }
p.aside { margin: 0 0 .5rem; text-align: left; }
.outpost + .outpost { margin-top: .9rem; padding-top: .9rem; border-top: 1px solid var(--line); }
h3 { display: flex; gap: .5rem; font-size: .92rem; font-weight: 600; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .1rem .9rem; font-size: .9rem; margin-top: .3rem; }
dt { color: var(--soft); } dd { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
meter { width: 100%; height: .8rem; margin-top: .5rem; }
.card.warn { border-color: var(--warn); }
.error { margin: .6rem 0 0; padding: .6rem .8rem; border-radius: .6rem; background: var(--bad-soft); color: var(--bad); font: .82rem/1.45 var(--mono);
  white-space: pre-wrap; overflow-wrap: anywhere; }
.switches form { margin: 0; }
.switch { display: flex; align-items: center; gap: .7rem; width: 100%; padding: .28rem 0; border: 0; background: none; text-align: left; font-size: .92rem; }
.switch[disabled] { cursor: default; opacity: .6; }
.knob { flex: none; position: relative; width: 2rem; height: 1.15rem; border-radius: 1rem; background: var(--line); }
.knob::after { content: ""; position: absolute; top: .15rem; left: .15rem; width: .85rem; height: .85rem; border-radius: 50%; background: var(--card);
  box-shadow: 0 0 0 1px var(--line); }
.switch.on .knob { background: var(--bad); } .switch.on .knob::after { left: 1rem; } .switch.on { font-weight: 600; color: var(--bad); }

.hops, .results { width: 100%; font-size: .88rem; font-variant-numeric: tabular-nums; }
.hops th, .hops td, .results th, .results td { padding: .4rem .9rem .4rem 0; vertical-align: top; border-bottom: 1px solid var(--line); white-space: nowrap; }
.hops td:nth-child(2), .results .wide { white-space: normal; width: 100%; overflow-wrap: anywhere; min-width: 14rem; }
.hops tbody tr:last-child td, .results tbody tr:last-child td { border-bottom: 0; }
.facts { grid-template-columns: minmax(6rem, auto) 1fr; margin-top: .6rem; }
footer { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .3rem 1.5rem; margin-top: 1.4rem; color: var(--faint); font-size: .82rem; }
footer .links { display: flex; gap: 1rem; }

@media (max-width: 52rem) {
  .columns { grid-template-columns: minmax(0, 1fr); }
  .columns aside { order: 0; }
}
@media (max-width: 34rem) {
  body { padding: 0 .75rem 1.5rem; }
  .banner { padding: 1.1rem; } .card { padding: .95rem; }
  .lanes { width: 100%; } .lanes th, .lanes td { padding-right: .5rem; }
  .lanes td { white-space: normal; } .lanes b, .does { white-space: nowrap; } .does { display: block; font-size: .85rem; color: var(--soft); }
  .lanes tbody th small { display: none; }
  .matrix thead tr:last-child th:not(.name), .matrix td { min-width: 2.3rem; } .matrix th, .matrix td { padding-inline: .2rem; }
  .top { flex-wrap: wrap; gap: .2rem .8rem; }
  .sign { width: 2rem; height: 2rem; font-size: 1rem; }
  .verdict { gap: .75rem; flex-basis: 100%; }
  h1 { margin-top: .1rem; }
  .command { flex-direction: column; } .lanes-list { flex-direction: column; } .lanes-list li { justify-content: space-between; border-radius: .6rem; }
}
`;
