// Plans: ids are unique, and depend on nothing but the target itself.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Target } from '../../../src/model/target.ts';
import { plan } from '../../../src/schedule/plan.ts';
import { plannedSite } from '../../support/planned-site.ts';

const OPTIONS = { seed: 20260418, interruptAfterTimeLimit: 8_000, numRuns: 100 };
const kinds = ['login', 'public', 'app', 'challenge', 'closed'];
const lists = fc.uniqueArray(
  fc.record({ host: fc.nat(30), page: fc.nat(2), kind: fc.constantFrom(...kinds) }),
  {
    minLength: 1,
    maxLength: 25,
    selector: ({ host, page }) => `${host}/${page}`,
  },
);

function siteOf(list: readonly { host: number; page: number; kind: string }[]) {
  return plannedSite({
    targets: list.map(
      ({ host, page, kind }) => `  - { url: "https://h${host}.example.com/p${page}", expect: ${kind} }`,
    ),
  });
}

test('ids are unique, stable under reordering, and every check has its target on its way', () => {
  fc.assert(
    fc.property(lists, fc.nat(), (list, turn) => {
      const site = siteOf(list);
      const shift = turn % site.targets.length;
      const turned: Target[] = [...site.targets.slice(shift), ...site.targets.slice(0, shift)];
      const ids = plan(site).map((subject) => subject.id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(
        plan({ ...site, targets: turned })
          .map((subject) => subject.id)
          .toSorted(),
      ).toEqual(ids.toSorted());
      for (const subject of plan(site)) {
        expect(subject.links[0]?.component).toBe('vantage:here');
        if (subject.kind === 'visit')
          expect(subject.links.at(-1)?.component).toBe(`target:${subject.target.id}`);
        else expect(subject.links.map((link) => link.component)).toContain(subject.about);
      }
    }),
    OPTIONS,
  );
});

test('a target more changes no other check of another host', () => {
  fc.assert(
    fc.property(lists, (list) => {
      const before = new Map(plan(siteOf(list)).map((subject) => [subject.id, subject]));
      const after = plan(siteOf([...list, { host: 99, page: 0, kind: 'login' }]));
      for (const subject of after) {
        const known = before.get(subject.id);
        if (known !== undefined && subject.kind === 'visit') expect(subject).toEqual(known);
      }
    }),
    OPTIONS,
  );
});
