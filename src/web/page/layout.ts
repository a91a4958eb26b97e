// The frame of every page: head, wordmark, the part that the script renews, footer.

import { html } from 'hono/html';
import type { Snapshot } from '../../model/snapshot.ts';
import type { Tone } from '../standing.ts';
import type { Assets } from '../static/assets.ts';
import { clockTime, type Markup, TONE_SYMBOL, time } from './words.ts';

/** Fill of the icon in the browser's tab. */
const ICON_COLOUR: Readonly<Record<Tone, string>> = {
  good: '2e9e6b',
  warn: 'd29a1b',
  bad: 'd64545',
  wait: '8a94a3',
};

export interface Frame {
  readonly title: string;
  readonly tone: Tone;
  readonly snapshot: Snapshot;
  readonly assets: Pick<Assets, 'stylesheet' | 'script'>;
  readonly content: Markup;
}

/** A whole page. */
export function layout({ title, tone, snapshot, assets, content }: Frame): Markup {
  const circle = `%3Ccircle cx='8' cy='8' r='7' fill='%23${ICON_COLOUR[tone]}'/%3E`;
  const icon = `data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E${circle}%3C/svg%3E`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${TONE_SYMBOL[tone]} ${title} – gatewatch</title>
<link rel="icon" href="${icon}">
<link rel="stylesheet" href="${assets.stylesheet}">
<script src="${assets.script}" defer></script>
<noscript><meta http-equiv="refresh" content="30"></noscript>
</head>
<body>
<header class="top">
<a class="wordmark" href="/"><span class="dot ${tone}"></span>gatewatch</a>
<span class="vantage">seen from <b>${snapshot.vantage}</b></span>
${snapshot.demo ? html`<span class="tag">demo site</span>` : ''}
</header>
<p id="stale" role="status"></p>
<div id="live">
<main>${content}</main>
<footer>
<span>As of ${time(snapshot.at, clockSeconds(snapshot.at))}, watching since ${time(snapshot.startedAt, clockTime(snapshot.startedAt, snapshot.at))}</span>
<span class="links"><a href="/metrics">metrics</a> <a href="/api/v1/openapi.json">API</a> <span>gatewatch ${snapshot.version}</span></span>
</footer>
</div>
</body>
</html>`;
}

function clockSeconds(at: number): string {
  return `${new Date(at).toISOString().slice(11, 19)} UTC`;
}
