// The incidents of one real site (DESIGN 1) as streams of outcomes: each comes out as one incident that names the
// right component, acquits the others, and ends when the site is well again.

import { describe, expect, test } from 'vitest';
import type { Subject } from '../../../src/model/check.ts';
import {
  componentFault,
  down,
  type Fault,
  type Showing,
  Simulator,
  type SimulatorOptions,
  siteSubjects,
  targetFault,
} from '../../support/simulator.ts';

const MINUTE = 60_000;
const FROM = 5 * MINUTE;
const UNTIL = 20 * MINUTE;
const SITE = siteSubjects();

/** Fault from minute 5 to minute 20. */
function fault(show: (subject: Subject) => Showing | null): Fault {
  return { from: FROM, until: UNTIL, show };
}

function unknown(signature: string, ...pointsAt: string[]): Showing {
  return { verdict: 'unknown', signature, pointsAt };
}

function visit(subject: Subject): boolean {
  return subject.kind === 'visit';
}

function isOn(subject: Subject, kind: 'cdn' | 'origin'): boolean {
  return subject.path?.kind === kind;
}

function isCanary(subject: Subject, ...kinds: string[]): boolean {
  return subject.kind === 'canary' && kinds.includes(subject.canary);
}

function simulate(faults: Fault[], options: Partial<SimulatorOptions> = {}): Simulator {
  return new Simulator({ seed: 42, subjects: SITE, noise: 0.002, faults, ...options });
}

/** Runs for an hour; the opened incidents, all of which must have ended. */
function hour(faults: Fault[], options: Partial<SimulatorOptions> = {}): Simulator {
  const simulator = simulate(faults, options).run(60 * MINUTE);
  expect(simulator.correlator.incidents()).toEqual([]);
  return simulator;
}

function lane(
  simulator: Simulator,
  visitKind: string,
  path: string,
): { failing: number; tried: number } | undefined {
  const [opened] = simulator.of('opened');
  return opened?.lanes.find((each) => each.visit === visitKind && each.path === path);
}

describe('one incident, the right component', () => {
  test('the session store is full: gate-sessions, over both paths, while return visits stay up', () => {
    const simulator = hour([componentFault('gate-sessions:embedded', { from: FROM, until: UNTIL })]);
    const opened = simulator.of('opened');
    expect(opened.map((each) => [each.kind, each.blame?.id])).toEqual([['shared', 'gate-sessions:embedded']]);
    const [incident] = opened;
    expect(incident?.signature).toBe('gate-no-session');
    expect(incident?.behind).toBe(18);
    for (const path of ['cdn', 'origin']) {
      const fresh = lane(simulator, 'fresh', path);
      expect(fresh?.failing).toBeGreaterThan(0);
      expect(fresh?.failing).toBe(fresh?.tried);
      expect(lane(simulator, 'return', path)?.failing).toBe(0);
    }
    const gate = incident?.acquitted.find((each) => each.component.type === 'gate');
    expect(gate).toMatchObject({ tested: true, evidence: expect.stringContaining('return visits') });
    expect(simulator.of('resolved')).toHaveLength(1);
  });

  test('the session store is full and a fresh visit is due once in ten minutes: found from a few', () => {
    // Five healthy visits end it: with one in ten minutes that takes most of an hour.
    const simulator = simulate(
      [componentFault('gate-sessions:embedded', { from: FROM, until: 40 * MINUTE })],
      { freshPerMinute: 0.1 },
    ).run(120 * MINUTE);
    expect(simulator.correlator.incidents()).toEqual([]);
    const opened = simulator.of('opened');
    expect(opened.map((each) => each.blame?.id)).toEqual(['gate-sessions:embedded']);
    // One rotation until the first failure, then the bucket's reserve confirms it.
    expect((opened[0]?.openedAt ?? 0) - 1_800_000_000_000 - FROM).toBeLessThan(12 * MINUTE);
  });

  test('the tunnel of the CDN is dead: cdn, and the origin is acquitted', () => {
    const simulator = hour([componentFault('cdn:cdn', { from: FROM, until: UNTIL })]);
    const opened = simulator.of('opened');
    expect(opened.map((each) => [each.kind, each.blame?.id])).toEqual([['shared', 'cdn:cdn']]);
    expect(opened[0]?.acquitted.find((each) => each.component.type === 'origin')?.tested).toBe(true);
    expect(opened[0]?.acquitted.find((each) => each.component.type === 'gate')?.tested).toBe(true);
  });

  test('the identity provider is down behind a working hand-over: idp, by its canaries', () => {
    const simulator = hour([componentFault('idp:auth.example.com', { from: FROM, until: UNTIL })]);
    const opened = simulator.of('opened');
    expect(opened.map((each) => [each.kind, each.blame?.id])).toEqual([['shared', 'idp:auth.example.com']]);
    expect(opened[0]?.acquitted.find((each) => each.component.type === 'gate')?.tested).toBe(true);
  });

  test('the identity provider is down and the gate falls back to 401 everywhere: idp, one incident', () => {
    const fallback = (subject: Subject): Showing | null => {
      if (isCanary(subject, 'idp-health', 'authorize')) return down('idp-down', 'idp', 'origin');
      return subject.kind === 'visit' && subject.gate !== null ? down('gate-fallback', 'gate') : null;
    };
    const simulator = hour([fault(fallback)], { noise: 0 });
    expect(simulator.of('opened')).toHaveLength(1);
    const [resolved] = simulator.of('resolved');
    expect(simulator.of('resolved')).toHaveLength(1);
    expect(resolved?.blame?.id).toBe('idp:auth.example.com');
  });

  test('the login page is blank, while everything else about its provider is well: idp', () => {
    const simulator = hour(
      [fault((each) => (isCanary(each, 'login-assets') ? down('login-page-blank', 'idp', 'cdn') : null))],
      { noise: 0 },
    );
    const opened = simulator.of('opened');
    expect(opened.map((each) => [each.kind, each.blame?.id])).toEqual([['shared', 'idp:auth.example.com']]);
    expect(opened[0]?.signature).toBe('login-page-blank');
    expect((opened[0]?.openedAt ?? 0) - 1_800_000_000_000 - FROM).toBeLessThan(12 * MINUTE);
    expect(simulator.of('resolved')).toHaveLength(1);
  });

  test('the load balancer flaps: origin, once, though it comes and goes', () => {
    const flaps = [0, 1, 2, 3].map((at) =>
      componentFault('origin:origin', {
        from: FROM + at * 4 * MINUTE,
        until: FROM + at * 4 * MINUTE + 2 * MINUTE,
      }),
    );
    const simulator = hour(flaps);
    expect(simulator.of('opened').map((each) => [each.kind, each.blame?.id])).toEqual([
      ['shared', 'origin:origin'],
    ]);
  });

  test('a bot challenge answers 200 in front of all sites on one path: who serves it', () => {
    const simulator = hour([
      fault((each) =>
        visit(each) && isOn(each, 'cdn') ? down('bot-challenge', 'cdn', 'origin', 'target') : null,
      ),
    ]);
    expect(simulator.of('opened').map((each) => each.blame?.id)).toEqual(['cdn:cdn']);
  });

  test('the catch-all answers for a host without route: that target, a service fault, never exposed', () => {
    const simulator = hour([
      targetFault(['app3.example.com'], {
        from: FROM,
        until: UNTIL,
        show: down('proxy-no-route', 'target', 'origin'),
      }),
    ]);
    const opened = simulator.of('opened');
    expect(opened.map((each) => [each.kind, each.targets, each.signature])).toEqual([
      ['service', ['app3.example.com'], 'proxy-no-route'],
    ]);
  });

  test('split-horizon DNS: the path does not prove itself, nobody is blamed', () => {
    const simulator = hour([
      fault((each) => (visit(each) && isOn(each, 'cdn') ? unknown('path-not-taken', 'vantage') : null)),
    ]);
    const opened = simulator.of('opened');
    expect(opened.map((each) => [each.kind, each.reason, each.blame?.name, each.targets])).toEqual([
      ['prober', 'path-not-taken', 'cdn', []],
    ]);
  });

  test('our own address is banned: blocked, nobody is blamed', () => {
    const simulator = hour([
      fault((each) => (visit(each) && isOn(each, 'cdn') ? unknown('blocked', 'vantage') : null)),
    ]);
    expect(simulator.of('opened').map((each) => [each.kind, each.reason, each.blame?.name])).toEqual([
      ['prober', 'blocked', 'vps'],
    ]);
    expect(new Set(simulator.of('opened')[0]?.lanes.map(({ path }) => path))).toEqual(new Set(['cdn']));
  });

  test.each([
    ['cdn', 'origin'],
    ['origin', 'cdn'],
  ] as const)('banned on path %s and later on %s: one fault, told the same way', (first, second) => {
    const ban = (kind: 'cdn' | 'origin', from: number): Fault => ({
      from,
      until: UNTIL,
      show: (each) => (visit(each) && isOn(each, kind) ? unknown('blocked', 'vantage') : null),
    });
    const simulator = hour([ban(first, FROM), ban(second, FROM + 4 * MINUTE)]);
    expect(simulator.of('opened').map((each) => [each.kind, each.reason, each.blame?.id])).toEqual([
      ['prober', 'blocked', 'vantage:vps'],
    ]);
    const [grown] = simulator.of('updated');
    expect(new Set(grown?.lanes.map(({ path }) => path))).toEqual(new Set(['cdn', 'origin']));
    expect(simulator.of('resolved')).toHaveLength(1);
  });

  test('a ban outlives a reload while its paths are configured', () => {
    const simulator = simulate([fault((each) => (visit(each) ? unknown('blocked', 'vantage') : null))]).run(
      FROM + 5 * MINUTE,
    );
    simulator.replace(SITE);
    expect(simulator.correlator.incidents().map(({ reason }) => reason)).toEqual(['blocked']);
  });

  test('our own uplink is down: uplink, no target is blamed', () => {
    const simulator = hour([componentFault('vantage:vps', { from: FROM, until: UNTIL })]);
    const opened = simulator.of('opened');
    expect(opened.map((each) => [each.kind, each.reason, each.targets])).toEqual([['prober', 'uplink', []]]);
  });

  test('the uplink of the site is down, seen from outside: the origin', () => {
    const simulator = hour([componentFault('origin:origin', { from: FROM, until: UNTIL })]);
    expect(simulator.of('opened').map((each) => each.blame?.id)).toEqual(['origin:origin']);
  });
});

describe('targets that show or hide what they must not', () => {
  const exposed = (targets: readonly string[]): Fault =>
    fault((each) =>
      each.kind === 'visit' && targets.includes(each.target.id)
        ? down('exposed', 'target', 'origin', 'gate')
        : null,
    );

  test('forward-auth is lost on one router: that target is exposed, after a second look', () => {
    const simulator = hour([exposed(['app2.example.com'])]);
    const [incident, ...others] = simulator.of('opened');
    expect(others).toEqual([]);
    expect(incident).toMatchObject({
      kind: 'exposed',
      targets: ['app2.example.com'],
      blame: null,
      signature: 'exposed',
    });
    expect(incident?.lanes.some((lane) => lane.failing > 0)).toBe(true);
    expect(incident?.acquitted.find((each) => each.component.type === 'gate')?.tested).toBe(true);
    expect((incident?.openedAt ?? 0) - (incident?.startedAt ?? 0)).toBeGreaterThanOrEqual(15_000);
    expect((incident?.openedAt ?? 0) - (incident?.startedAt ?? 0)).toBeLessThan(25_000);
  });

  test('one sighting alone opens nothing', () => {
    let shown = 0;
    const once = fault((each) =>
      each.id === 'return:origin:app2.example.com' && shown++ === 0 ? down('exposed', 'target') : null,
    );
    expect(hour([once], { noise: 0 }).events).toEqual([]);
  });

  test('from three exposed targets on the component they share is named, in one incident', () => {
    const simulator = hour([
      exposed(['app1.example.com', 'app2.example.com', 'app3.example.com', 'app4.example.com']),
    ]);
    expect(simulator.of('opened')[0]?.kind).toBe('exposed');
    const ended = simulator.of('resolved').filter((each) => each.supersededBy === null);
    expect(ended.map((each) => [each.blame?.id, each.targets.length])).toEqual([['origin:origin', 4]]);
  });

  test('an app out of the cache of the CDN blames the CDN', () => {
    const cached = fault((each) =>
      each.kind === 'visit' && each.target.id === 'app2.example.com' && isOn(each, 'cdn')
        ? down('exposed', 'cdn')
        : null,
    );
    expect(
      hour([cached])
        .of('opened')
        .map((each) => [each.kind, each.blame?.id]),
    ).toEqual([['exposed', 'cdn:cdn']]);
  });

  test('a carve-out is lost: the public target is walled off', () => {
    const simulator = hour([
      targetFault(['open1.example.com'], {
        from: FROM,
        until: UNTIL,
        show: down('walled-off', 'target', 'gate'),
      }),
    ]);
    expect(simulator.of('opened').map((each) => [each.kind, each.targets])).toEqual([
      ['walled-off', ['open1.example.com']],
    ]);
  });
});

describe('findings of results that do not count', () => {
  test('a gate that loses the sessions of many at once is one incident of the gate', () => {
    const lost = new Set<string>();
    const loses = fault((each) => {
      if (each.kind !== 'visit' || each.visit !== 'return' || lost.has(each.id)) return null;
      lost.add(each.id);
      return unknown('gate-sessions-lost', 'gate-sessions', 'gate');
    });
    const simulator = hour([loses], { noise: 0 });
    expect(simulator.of('opened').map((each) => [each.kind, each.blame?.id, each.signature])).toEqual([
      ['shared', 'gate:embedded', 'gate-sessions-lost'],
    ]);
  });

  test('the same, where each host has one cookie and the path that asks first uses it up', () => {
    // Six of the eighteen were given a new cookie before anybody asked with the old one.
    const lost = new Set(['1', '2', '3', '4', '5', '6'].map((n) => `app${n}.example.com`));
    const loses = fault((each) => {
      if (each.kind !== 'visit' || each.visit !== 'return' || lost.has(each.target.id)) return null;
      lost.add(each.target.id);
      return unknown('gate-sessions-lost', 'gate-sessions', 'gate');
    });
    const opened = hour([loses], { noise: 0 }).of('opened');
    expect(opened.map((each) => [each.blame?.id, each.signature])).toEqual([
      ['gate:embedded', 'gate-sessions-lost'],
    ]);
  });

  test('one lost session is nothing', () => {
    let shown = 0;
    const loses = fault((each) =>
      each.id === 'return:origin:app2.example.com' && shown++ === 0
        ? unknown('gate-sessions-lost', 'gate')
        : null,
    );
    expect(hour([loses], { noise: 0 }).events).toEqual([]);
  });

  test('some probes that miss their path are no finding while others take it', () => {
    const some = fault((each) =>
      each.kind === 'visit' && each.target.id < 'app5' && isOn(each, 'cdn')
        ? unknown('path-not-taken', 'vantage')
        : null,
    );
    expect(hour([some], { noise: 0 }).events).toEqual([]);
  });
});

describe('rules of blame', () => {
  test('without controls blame goes on and says that the vantage was not tested', () => {
    const subjects = siteSubjects({ controls: 0 });
    const simulator = hour([componentFault('origin:origin', { from: FROM, until: UNTIL })], {
      subjects,
      hasControls: false,
    });
    const [incident, ...others] = simulator.of('opened');
    expect(others).toEqual([]);
    expect(incident?.blame?.id).toBe('origin:origin');
    expect(incident?.acquitted.find((each) => each.component.type === 'vantage')).toMatchObject({
      tested: false,
      evidence: 'no control is configured',
    });
  });

  test('failures of one owner never accuse what all share: its targets, in one incident', () => {
    const subjects = siteSubjects({ owner: (index) => (index < 6 ? 'team-a' : 'team-b') });
    const names = [0, 1, 2, 3, 4, 5].map((index) => `app${index}.example.com`);
    const simulator = hour(
      [
        targetFault(names, {
          from: FROM,
          until: UNTIL,
          show: down('gate-no-session', 'gate-sessions', 'gate'),
        }),
      ],
      { subjects, noise: 0 },
    );
    expect(simulator.of('opened').filter((each) => each.kind === 'shared')).toEqual([]);
  });

  test('something unmodelled that breaks many targets is said to be unmodelled, with what they share', () => {
    const names = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((at) =>
      at < 5 ? `app${at * 3}.example.com` : `open${at * 3 - 15}.example.com`,
    );
    const simulator = simulate([targetFault(names, { from: FROM, until: UNTIL })], {
      subjects: siteSubjects({ open: 14 }).map((subject) => ({
        ...subject,
        links: subject.links.filter((link) => !link.component.startsWith('node:')),
      })),
    }).run(15 * MINUTE);
    const kinds = simulator.of('opened').map((each) => [each.kind, each.blame]);
    expect(kinds[0]).toEqual(['shared', null]);
    expect(simulator.of('opened')[0]?.inCommon).toContain('node=node0');
  });

  test('two independent faults are two incidents', () => {
    const simulator = hour([
      componentFault('gate-sessions:embedded', { from: FROM, until: UNTIL }),
      componentFault('node:node1', { from: FROM + 20_000, until: UNTIL }),
    ]);
    expect(new Set(simulator.of('opened').map((each) => each.blame?.id))).toEqual(
      new Set(['gate-sessions:embedded', 'node:node1']),
    );
    expect(simulator.of('opened')).toHaveLength(2);
  });

  test('several targets on one host that fail are one incident of the host', () => {
    const one = siteSubjects();
    const subjects = one.map((subject) => {
      if (subject.kind !== 'visit' || !['open1.example.com', 'open2.example.com'].includes(subject.target.id))
        return subject;
      return { ...subject, target: { ...subject.target, host: 'multi.example.com' } };
    });
    const simulator = hour(
      [targetFault(['open1.example.com', 'open2.example.com'], { from: FROM, until: UNTIL })],
      { subjects },
    );
    const ended = simulator.of('resolved').filter((each) => each.supersededBy === null);
    expect(ended.map((each) => [each.kind, each.blame?.id, each.targets])).toEqual([
      ['service', 'host:multi.example.com', ['open1.example.com', 'open2.example.com']],
    ]);
    expect(simulator.of('opened')).toHaveLength(1);
  });

  test('at a start no service alert opens before the target was seen up, or has failed for the grace', () => {
    const dead = { from: 0, until: UNTIL };
    const simulator = simulate([targetFault(['app1.example.com'], dead)], {
      seenUp: () => false,
      startupGraceMs: 5 * MINUTE,
    });
    simulator.run(4 * MINUTE);
    expect(simulator.events).toEqual([]);
    simulator.run(8 * MINUTE);
    expect(simulator.of('opened').map((each) => each.targets)).toEqual([['app1.example.com']]);
  });

  test('a shared fault opens at a start as always', () => {
    const simulator = simulate([componentFault('cdn:cdn', { from: 0, until: UNTIL })], {
      seenUp: () => false,
    });
    simulator.run(4 * MINUTE);
    expect(simulator.of('opened').map((each) => each.blame?.id)).toEqual(['cdn:cdn']);
  });
});

describe('small sites', () => {
  test.each([1, 2, 3])(
    'a site of %d targets on one path without canaries still says what is down',
    (count) => {
      const subjects = siteSubjects({
        login: count,
        open: 0,
        controls: 0,
        paths: ['origin'],
        canaries: 'none',
      });
      const simulator = hour([componentFault('origin:origin', { from: FROM, until: UNTIL })], {
        subjects,
        hasControls: false,
      });
      expect(simulator.of('opened')).toHaveLength(1);
    },
  );
});
