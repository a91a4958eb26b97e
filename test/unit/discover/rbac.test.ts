// The role that is shipped allows what is asked for, and no more.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { KINDS } from '../../../src/discover/kubernetes/objects.ts';

interface Rule {
  readonly apiGroups: string[];
  readonly resources: string[];
  readonly verbs: string[];
}

test('the shipped role lets every collection be listed and watched, and nothing else', () => {
  const documents = parseAllDocuments(readFileSync('config/kubernetes/rbac.yaml', 'utf8')).map((one) =>
    one.toJS(),
  );
  const rules: Rule[] = documents.find(({ kind }) => kind === 'ClusterRole').rules;
  const allowed = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.map((resource) => `${resource}.${group} ${verbs.join(' ')}`)),
  );
  const asked = KINDS.flatMap(({ collections }) => collections).map((path) => {
    const [, , group, , resource] = path.split('/');
    return `${resource}.${group} list watch`;
  });
  expect(allowed.sort()).toEqual(asked.sort());
});
