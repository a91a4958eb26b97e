// What the schema of one account cannot see: its gate, the hosts it is for, and what names it.

import { mayEnter } from '../model/account.ts';
import { targetId } from '../model/target.ts';
import type { AccountOption } from './account-options.ts';
import type { Config } from './config.ts';
import { isRecord } from './not-built.ts';
import type { Finding } from './problem.ts';
import { declaredNames, type Sections } from './sections.ts';
import { didYouMean } from './similar.ts';

type Raw = Readonly<Record<string, unknown>>;

/** Gate of an account that names none: the configured default, else the only gate, else none. */
export function accountGate({ gate }: AccountOption, { defaults, gates }: Sections): string | null {
  const only = gates.length === 1 ? (gates[0]?.option.name ?? null) : null;
  return gate ?? defaults?.gate ?? only;
}

/** Accounts without a gate that can be logged in at, and names of accounts and targets that do not exist. */
export function accountFindings(raw: Raw, sections: Sections): Finding[] {
  return [
    ...sections.accounts.flatMap(({ index, option }) => gateFindings(index, option, raw, sections)),
    ...namedFindings(raw),
    ...loginTargetFindings(sections),
  ];
}

function gateFindings(index: number, option: AccountOption, raw: Raw, sections: Sections): Finding[] {
  const path = ['accounts', index, ...(option.gate === undefined ? [] : ['gate'])];
  const declared = declaredNames(raw, 'gates');
  const name = accountGate(option, sections);
  if (name === null) return [{ path, message: 'names no gate, and there is not exactly one' }];
  if (!declared.has(name)) return [{ path, message: `no such gate${didYouMean(name, declared.keys())}` }];
  const gate = sections.gates.find((one) => one.option.name === name)?.option;
  if (gate === undefined) return []; // it has problems of its own
  const url = new URL(gate.url);
  if (url.protocol !== 'https:')
    return [{ path, message: 'is for a gate with an http url: a password would travel unencrypted' }];
  return tokenFindings(index, option, gate.kind === 'authentik', url);
}

function tokenFindings(index: number, { client }: AccountOption, known: boolean, gate: URL): Finding[] {
  if (client === undefined) return [];
  const path = ['accounts', index, 'client', 'token-url'];
  const url = client['token-url'];
  if (url === undefined)
    return known
      ? []
      : [{ path, message: 'is required: only of authentik it is known where tokens are made' }];
  return new URL(url).origin === gate.origin
    ? []
    : [{ path, message: 'is not on the origin of the url of the gate, where secrets may go' }];
}

function namedFindings(raw: Raw): Finding[] {
  const names = declaredNames(raw, 'accounts');
  const checks = raw['checks'];
  return ['session', 'login', 'browser'].flatMap((visit) => {
    const rule = isRecord(checks) ? checks[visit] : null;
    const account = isRecord(rule) ? rule['account'] : undefined;
    if (typeof account !== 'string' || names.has(account)) return [];
    const path = ['checks', visit, 'account'];
    return [{ path, message: `no such account${didYouMean(account, names.keys())}` }];
  });
}

function loginTargetFindings({ checks, targets }: Sections): Finding[] {
  const known = new Set<string>(targets.map(({ option }) => targetId(new URL(option.url))));
  const unknown = (visit: string, ids: readonly string[] | null): Finding[] =>
    (ids ?? []).flatMap((id, index) =>
      known.has(id)
        ? []
        : [{ path: ['checks', visit, 'targets', index], message: `no such target${didYouMean(id, known)}` }],
    );
  return [
    ...unknown('login', checks?.loginTargets ?? null),
    ...unknown('browser', checks?.browser?.targets ?? null),
  ];
}

/** Legal but doubtful accounts. */
export function accountWarnings(config: Config): Finding[] {
  const inBrowser: Finding[] =
    config.checks.browser !== null &&
    !config.accounts.some(({ credential }) => credential.kind === 'password')
      ? [{ path: ['checks', 'browser'], message: 'visits nothing: no account has a password to type' }]
      : [];
  const own = config.accounts.flatMap((account, index) => {
    const path = ['accounts', index];
    const gate = config.gates.find(({ name }) => name === account.gate);
    const { credential } = account;
    const findings: Finding[] = [];
    if (!config.targets.some((target) => target.gate === account.gate && mayEnter(account, target.host)))
      findings.push({ path, message: 'may enter no target of its gate: nobody will use it' });
    if (credential.kind === 'basic')
      findings.push({
        path: [...path, 'basic'],
        message: 'is sent to the applications too, who can use it elsewhere; prefer client',
      });
    if (credential.kind === 'password' && gate !== undefined && gate.kind !== 'authentik')
      findings.push({
        path: [...path, 'password'],
        message: `logins over HTTP speak authentik alone; at a gate of kind ${gate.kind} a login needs a browser`,
      });
    if (credential.kind === 'password' && (gate?.sessions.vantages ?? 1) > 1)
      findings.push({
        path,
        message:
          'is used by several vantages: each logs in on its own, up to six times an hour; better one account each',
      });
    if (credential.kind === 'password' && config.store.keys.length === 0)
      findings.push({
        path: ['store'],
        message: 'has no key: kept sessions are lost at a restart, which costs a login',
      });
    return findings;
  });
  return [...inBrowser, ...own];
}
