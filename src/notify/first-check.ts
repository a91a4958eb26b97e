// The command to start with. It will be pasted into a shell, so only harmless values are filled in (threats O3).

import type { Incident, ProberReason } from '../model/incident.ts';
import { evidenceText } from '../model/text.ts';
import type { AlertContext } from './alert-context.ts';
import { componentOf } from './labels.ts';

/** Bounded as well: a command that is cut off is another command. */
const HARMLESS = /^[A-Za-z0-9._:/@-]{1,300}$/;
const PLACEHOLDER = /\{(target|host|gate|outpost|path|zone)\}/g;
/** Longest command, in characters. */
const LIMIT = 2_000;

/** Where to start when the daemon itself cannot work; used where no signature speaks. */
const OWN_CHECKS: Partial<Record<ProberReason, string>> = {
  uplink: 'on the machine of gatewatch: ip route; ping -c 3 1.1.1.1; curl -sI to one of the controls',
  resolver: 'on the machine of gatewatch: dig SOA of a zone at the configured resolver; cat /etc/resolv.conf',
  store: 'df -h and the permissions of the folder of store.file',
  delivery: 'gatewatch test-alert',
  configuration: 'gatewatch validate',
  clock: 'timedatectl',
};

/** The configured check of the blamed gate or path, else that of the signature; empty when there is none. */
export function firstCheckOf(incident: Incident, context: AlertContext): string {
  const about = componentOf(incident);
  const configured = about === null ? null : context.firstCheck(about);
  const text = incident.signature === null ? null : context.texts(incident.signature);
  const own = incident.reason === null ? undefined : OWN_CHECKS[incident.reason];
  const template = configured ?? text?.firstCheck ?? own ?? '';
  const values = placeholders(incident, context);
  const filled = template.replace(PLACEHOLDER, (_, name: keyof typeof values) => {
    const value = values[name];
    return value !== null && HARMLESS.test(value) ? value : `<${name}>`;
  });
  return evidenceText(filled, LIMIT);
}

function placeholders(incident: Incident, context: AlertContext) {
  const { blame, targets, lanes } = incident;
  const target = blame?.type === 'target' ? blame.name : (targets[0] ?? null);
  const place = target === null ? null : context.target(target);
  const ofType = (...types: string[]): string | null =>
    blame !== null && types.includes(blame.type) ? blame.name : null;
  const outpost = ofType('gate', 'gate-sessions') ?? place?.outpost ?? null;
  return {
    target,
    host: ofType('host') ?? place?.host ?? null,
    gate: (outpost === null ? undefined : context.gatesOf(outpost)[0]) ?? place?.gate ?? null,
    outpost,
    path: ofType('cdn', 'origin') ?? lanes.find((lane) => lane.failing > 0)?.path ?? null,
    zone: ofType('dns') ?? place?.zone ?? null,
  };
}
