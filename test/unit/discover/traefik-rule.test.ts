import { expect, test } from 'vitest';
import { type RuleWay, readRule } from '../../../src/discover/traefik-rule.ts';

const WHOLE = { pathname: '/', exact: false, excluded: [], conditions: [] };
const way = (host: string | null, rest: Partial<RuleWay> = {}): RuleWay => ({ host, ...WHOLE, ...rest });

const READ: [string, string, RuleWay[]][] = [
  ['one host', 'Host(`a.example.com`)', [way('a.example.com')]],
  ['double quotes', 'Host("a.example.com")', [way('a.example.com')]],
  ['upper case', 'host(`A.Example.COM`)', [way('a.example.com')]],
  ['several arguments, v2', 'Host(`a.x`, `b.x`)', [way('a.x'), way('b.x')]],
  ['several hosts, v3', 'Host(`a.x`) || Host(`b.x`)', [way('a.x'), way('b.x')]],
  [
    '&& binds tighter than ||',
    'Host(`a.x`) || Host(`b.x`) && PathPrefix(`/api`)',
    [way('a.x'), way('b.x', { pathname: '/api' })],
  ],
  [
    'parentheses',
    '(Host(`a.x`) || Host(`b.x`)) && (PathPrefix(`/api`) || Path(`/health`))',
    [
      way('a.x', { pathname: '/api' }),
      way('a.x', { pathname: '/health', exact: true }),
      way('b.x', { pathname: '/api' }),
      way('b.x', { pathname: '/health', exact: true }),
    ],
  ],
  ['a part that is left out', 'Host(`a.x`) && !PathPrefix(`/api`)', [way('a.x', { excluded: ['/api'] })]],
  [
    'De Morgan',
    'Host(`a.x`) && !(PathPrefix(`/api`) || Path(`/health`))',
    [way('a.x', { excluded: ['/api', '/health'] })],
  ],
  [
    'other matchers are conditions',
    'Host(`a.x`) && Method(`POST`) && !ClientIP(`10.0.0.0/8`)',
    [way('a.x', { conditions: ['Method', '!ClientIP'] })],
  ],
  [
    'v2 path patterns',
    'Host(`a.x`) && Path(`/u/{id:[0-9]+}`)',
    [way('a.x', { conditions: ['Path with a pattern'] })],
  ],
  ['a literal HostRegexp', 'HostRegexp(`^a\\.x$`)', [way('a.x')]],
  ['a pattern of hosts', 'HostRegexp(`^.+\\.x$`)', [way(null, { conditions: ['HostRegexp'] })]],
  ['a literal PathRegexp', 'Host(`a.x`) && PathRegexp(`^/hooks/.*`)', [way('a.x', { pathname: '/hooks/' })]],
  ['a catch-all', 'PathPrefix(`/`)', [way(null)]],
  ['hosts that exclude each other', 'Host(`a.x`) && Host(`b.x`)', []],
  [
    'paths within each other',
    'Host(`a.x`) && PathPrefix(`/a`) && Path(`/a/b`)',
    [way('a.x', { pathname: '/a/b', exact: true })],
  ],
  ['a bracket in an argument', 'Host(`a.x`) && Query(`q`, `a)b`)', [way('a.x', { conditions: ['Query'] })]],
];

test.each(READ)('reads %s', (_, rule, ways) => {
  expect(readRule(rule)).toEqual({ ways, problem: null });
});

const UNREADABLE: [string, string][] = [
  ['nothing', ''],
  ['an open bracket', 'Host(`a.x`'],
  ['an open quote', 'Host(`a.x)'],
  ['a bare word', 'Host(a.x)'],
  ['two rules', 'Host(`a.x`) Host(`b.x`)'],
  ['an operator at the end', 'Host(`a.x`) &&'],
  ['foreign characters', 'Host(`a.x`) ; rm'],
  ['deep nesting', `${'('.repeat(100)}Host(\`a.x\`)${')'.repeat(100)}`],
  ['deep negation', `${'!'.repeat(5_000)}Host(\`a.x\`)`],
  ['too many alternatives', Array(12).fill('(Host(`a.x`) || Host(`b.x`))').join(' && ')],
  ['a long rule', `Host(\`${'a'.repeat(9_000)}\`)`],
];

test.each(UNREADABLE)('says that %s cannot be read', (_, rule) => {
  const { ways, problem } = readRule(rule);
  expect(ways).toBeNull();
  expect(problem).toMatch(/^[^`]+$/); // no text of the rule
});
