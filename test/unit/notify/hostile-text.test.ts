// Text of strangers in every field of an incident: what reaches an alert is one line where it must be, bounded, without
// a character that changes what is around it, and never in a label or a command (threats O1, O3, O4, O10).

import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { Component } from '../../../src/model/component.ts';
import type { Incident } from '../../../src/model/incident.ts';
import type { SignatureId } from '../../../src/model/verdict.ts';
import { type Alert, alertFromIncident } from '../../../src/notify/alert.ts';
import type { AlertContext } from '../../../src/notify/alert-context.ts';
import { payload } from '../../../src/notify/alertmanager-peer.ts';
import { alertContext } from '../../support/alert-context.ts';
import { HOSTILE_STRINGS } from '../../support/hostile-strings.ts';
import { incident } from '../../support/incident.ts';

const UNSAFE =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/u;
const TEXTS: [what: string, text: string][] = [
  ...Object.entries(HOSTILE_STRINGS),
  ['64 KiB', 'A'.repeat(65_536)],
  ['64 KiB of four bytes each', '🙂'.repeat(16_384)],
];
const KINDS: readonly Incident['kind'][] = [
  'shared',
  'service',
  'exposed',
  'walled-off',
  'certificate',
  'budget',
  'prober',
];
const evil = (name: string): Component => ({ type: 'target', name, id: `target:${name}` }) as Component;

/** An incident in which every field that another room words holds the text. */
function poisoned(text: string, part: Partial<Incident>): Incident {
  return incident({
    detail: text,
    inCommon: [text, `node=${text}`],
    acquitted: [{ component: incident().acquitted[0]!.component, tested: true, evidence: text }],
    supersededBy: part.state === 'resolved' ? text : null,
    ...part,
  });
}

function expectHarmless(alert: Alert): void {
  const { annotations } = alert;
  for (const [name, text] of Object.entries(annotations)) {
    expect(text, name).not.toMatch(UNSAFE);
    expect(Buffer.byteLength(text), name).toBeLessThanOrEqual(8 * 1024);
    if (!['description', 'acquitted'].includes(name)) expect(text, name).not.toContain('\n');
  }
  const sent = JSON.stringify([payload(alert, { now: 0, skewMs: 0, lifeMs: 1 })]);
  expect(Buffer.byteLength(sent)).toBeLessThanOrEqual(33 * 1024);
  expect(Buffer.from(sent).toString()).toBe(sent);
}

describe.each(TEXTS)('%s', (_, text) => {
  test.each(KINDS)('in what is worded elsewhere harms no alert of kind %s', (kind) => {
    for (const state of ['open', 'resolved'] as const) {
      const resolvedAt = state === 'resolved' ? 1 : null;
      const alert = alertFromIncident(poisoned(text, { kind, state, resolvedAt }), alertContext());
      expectHarmless(alert);
      expect(JSON.stringify(alert.labels)).not.toContain(JSON.stringify(text).slice(1, -1));
      expect(alert.annotations['acquitted']).not.toContain('\n');
    }
  });

  test('in evidence takes at most 200 characters', () => {
    const acquitted = [{ component: incident().acquitted[0]!.component, tested: true, evidence: text }];
    const line = alertFromIncident(incident({ acquitted }), alertContext()).annotations['acquitted'] ?? '';
    expect([...line.slice('cdn:cdn: '.length)].length).toBeLessThanOrEqual(200);
  });

  test('as a value of a first check never reaches the shell', () => {
    const template = 'kubectl logs {target} {host} {gate} {outpost} {path} {zone}';
    const context: Partial<AlertContext> = {
      firstCheck: () => template,
      target: () => ({ host: text, zone: text, gate: text, outpost: text }),
      gatesOf: () => [text],
    };
    const lanes = [{ visit: 'fresh', path: text, failing: 1, tried: 1 }];
    const poisonous = incident({ kind: 'service', blame: evil(text), targets: [text], lanes });
    const command = alertFromIncident(poisonous, alertContext(context)).annotations['first_check'] ?? '';
    const words = command.split(' ');
    expect(words.slice(0, 2)).toEqual(['kubectl', 'logs']);
    expect(words).toHaveLength(template.split(' ').length);
    for (const word of words.slice(2))
      expect(word).toMatch(/^([A-Za-z0-9._:/@-]{1,300}|<(target|host|gate|outpost|path|zone)>)$/);
    const quoted = command.replaceAll(/<(\w+)>/g, "'$1'");
    expect(spawnSync('sh', ['-n', '-c', quoted], { encoding: 'utf8' }).stderr).toBe('');
  });
});

test('the text of a signature of the operator is cleaned as well', () => {
  for (const [, text] of TEXTS) {
    const texts = (): ReturnType<AlertContext['texts']> => ({
      id: 'mine' as SignatureId,
      pointsAt: [],
      phrase: text,
      meaning: text,
      firstCheck: text,
      source: text,
    });
    expectHarmless(
      alertFromIncident(incident({ signature: 'mine' as SignatureId }), alertContext({ texts })),
    );
  }
});
