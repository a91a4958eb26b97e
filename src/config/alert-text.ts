// The words of alerts for one configuration: names, labels and first checks of its gates, paths and targets.

import { textOf } from '../classify/catalogue.ts';
import { userSignatureText } from '../classify/user-signature.ts';
import type { Component } from '../model/component.ts';
import type { InboundAlert } from '../model/inbound.ts';
import type { Incident } from '../model/incident.ts';
import type { SignatureText } from '../model/verdict.ts';
import { alertFromIncident } from '../notify/alert.ts';
import { type AlertContext, inboundOf } from '../notify/alert-context.ts';
import type { Config } from './config.ts';

/** Texts of the catalogue and of the users' signatures. */
export function textsOf(config: Config): (id: string) => SignatureText | null {
  const own = new Map<string, SignatureText>(
    config.signatures.map((one) => [one.id, userSignatureText(one)]),
  );
  return (id) => own.get(id) ?? textOf(id);
}

/** The words of one alert. */
export interface AlertText {
  readonly summary: string;
  readonly description: string;
  readonly firstCheck: string | null;
  /** Firing alerts of others about what it is about. */
  readonly evidence: readonly InboundAlert[];
}

/** The words of an incident's alert: on the page, on the phone and in `check` the same. */
export function describeIncident(
  incident: Incident,
  config: Config,
  inbound: AlertContext['inbound'] = () => [],
): AlertText {
  const context = alertContext(config, inbound);
  const { annotations } = alertFromIncident(incident, context);
  return {
    summary: annotations['summary'] ?? '',
    description: annotations['description'] ?? '',
    firstCheck: annotations['first_check'] ?? null,
    evidence: incident.state === 'resolved' ? [] : inboundOf(incident, context),
  };
}

/** What alert texts need to know of a configuration. */
export function alertContext(config: Config, inbound: AlertContext['inbound'] = () => []): AlertContext {
  const gatesOf = (outpost: string) => config.gates.filter((gate) => gate.outpost === outpost);
  const path = (name: string) => config.paths.find((one) => one.name === name) ?? null;
  const target = (id: string) => config.targets.find((one) => one.id === id) ?? null;
  const of = ({ type, name }: Component): { labels: Record<string, string>; firstCheck: string | null } => {
    const owner =
      type === 'gate' || type === 'gate-sessions'
        ? gatesOf(name)[0]
        : type === 'idp'
          ? config.gates.find((gate) => new URL(gate.url).host === name)
          : type === 'cdn' || type === 'origin'
            ? path(name)
            : null;
    if (type === 'target') return { labels: { ...target(name)?.labels }, firstCheck: null };
    return { labels: { ...owner?.labels }, firstCheck: owner?.firstCheck ?? null };
  };
  return {
    vantage: config.vantage,
    inbound,
    alerts: config.alerts,
    webUrl: config.web.url,
    texts: textsOf(config),
    componentLabels: (component) => of(component).labels,
    firstCheck: (component) => of(component).firstCheck,
    gatesOf: (outpost) => gatesOf(outpost).map((gate) => gate.name),
    pathKind: (name) => path(name)?.kind ?? null,
    target(id) {
      const found = target(id);
      if (found === null) return null;
      const gate = config.gates.find((one) => one.name === found.gate) ?? null;
      return { host: found.host, zone: found.zone, gate: found.gate, outpost: gate?.outpost ?? null };
    },
  };
}
