// A site for tests of the schedule: hosts behind one gate, over a CDN and straight to the origin.

import { loadConfig } from '../../src/config/load.ts';
import type { Knowledge } from '../../src/model/verdict.ts';
import type { Site } from '../../src/schedule/plan.ts';

export const nothingKnown: Knowledge = { get: () => null };

/** Knowledge of the given facts, keyed `kind key`. */
export function knowing(facts: Readonly<Record<string, string>>): Knowledge {
  return {
    get(kind, key) {
      const value = facts[`${kind} ${key}`];
      return value === undefined ? null : { value, at: 0 };
    },
  };
}

export interface SiteOptions {
  readonly hosts?: number;
  /** YAML of the gate's sessions. */
  readonly sessions?: string;
  /** More top-level YAML. */
  readonly more?: string;
  readonly cdn?: string;
  readonly targets?: readonly string[];
  readonly knowledge?: Knowledge;
}

/** The site of a small configuration. */
export function plannedSite(options: SiteOptions = {}): Site {
  const hosts = Array.from(
    { length: options.hosts ?? 3 },
    (_, index) => `  - https://s${index + 1}.example.com`,
  );
  const text = [
    'vantage: here',
    'gates:',
    `  - { name: authentik, url: "https://auth.example.com", sessions: ${options.sessions ?? '{ store: files, lifetime: 24h }'} }`,
    'paths:',
    `  - { name: cdn, kind: cdn, resolver: [1.1.1.1]${options.cdn ?? ''} }`,
    '  - { name: origin, kind: origin, address: "203.0.113.10:443" }',
    options.more ?? 'control: ["https://www.example.net"]',
    'targets:',
    ...(options.targets ?? hosts),
  ].join('\n');
  const { config } = loadConfig({ text, name: 'test.yaml' }, {});
  return { ...config, knowledge: options.knowledge ?? nothingKnown };
}
