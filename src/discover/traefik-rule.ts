// Traefik's rule grammar (v2 and v3): matchers in `&&`, `||`, `!` and parentheses, arguments in back-ticks or double
// quotes. A rule becomes the ways it can match: host, pathname, and what else must hold. It is read, never evaluated:
// patterns are not compiled (threats D6). Source: doc.traefik.io "Routers", rules; v2 also takes several arguments.

import { literalPrefix, literalText } from './literal-pattern.ts';

/** Longest rule that is read, and most ways one may match: rules of real sites have a few hosts. */
const LONGEST_RULE = 8_192;
const MOST_WAYS = 256;
const DEEPEST = 32;

/** One way a rule matches; all of it must hold. */
export interface RuleWay {
  /** Lower-case literal host; null when none is named, or by a pattern alone. */
  readonly host: string | null;
  /** `/` without a path matcher. */
  readonly pathname: string;
  /** Whether only this very pathname matches, not those below it. */
  readonly exact: boolean;
  /** Pathnames below which the way does not match. */
  readonly excluded: readonly string[];
  /** Matchers that are not evaluated: `Method`, `ClientIP`, `!Header`, `HostRegexp` … */
  readonly conditions: readonly string[];
}

/** The ways of a rule, or in half a sentence why it cannot be read. */
export type RuleReading =
  | { readonly ways: readonly RuleWay[]; readonly problem: null }
  | { readonly ways: null; readonly problem: string };

/** Reads a rule. Never throws; work and result are bounded. */
export function readRule(text: string): RuleReading {
  if (text.length > LONGEST_RULE) return { ways: null, problem: 'the rule is too long' };
  try {
    const ways = waysOf(parse(text), false).map(wayFrom);
    return { ways: ways.filter((way) => way !== null), problem: null };
  } catch (error) {
    if (error instanceof RuleError) return { ways: null, problem: error.message };
    throw error;
  }
}

class RuleError extends Error {}

interface Matcher {
  readonly type: 'matcher';
  readonly name: string;
  readonly args: readonly string[];
}
type Node =
  | Matcher
  | { readonly type: 'not'; readonly node: Node }
  | { readonly type: 'and' | 'or'; readonly nodes: readonly Node[] };

const TOKEN = /\s*(&&|\|\||[!(),]|`[^`]*`|"(?:[^"\\]|\\.)*"|[A-Za-z][A-Za-z0-9]*)/y;

function parse(text: string): Node {
  const tokens = tokensOf(text);
  let at = 0;
  const next = (): string => tokens[at] ?? '';
  const take = (expected: string): void => {
    if (next() !== expected) throw new RuleError(`"${expected}" is missing`);
    at += 1;
  };

  function chain(operator: '&&' | '||', depth: number): Node {
    const nodes: Node[] = [];
    do {
      if (nodes.length > 0) take(operator);
      nodes.push(operator === '||' ? chain('&&', depth) : unary(depth));
    } while (next() === operator);
    const [only] = nodes;
    if (nodes.length === 1 && only !== undefined) return only;
    return { type: operator === '||' ? 'or' : 'and', nodes };
  }

  function unary(depth: number): Node {
    if (depth > DEEPEST) throw new RuleError('the rule is nested too deeply');
    if (next() === '!') {
      at += 1;
      return { type: 'not', node: unary(depth + 1) };
    }
    if (next() === '(') {
      at += 1;
      const inner = chain('||', depth + 1);
      take(')');
      return inner;
    }
    return matcher();
  }

  function matcher(): Node {
    const name = next();
    if (!/^[A-Za-z]/.test(name)) throw new RuleError('a matcher is missing');
    at += 1;
    take('(');
    const args: string[] = [];
    while (next() !== ')') {
      if (args.length > 0) take(',');
      args.push(argument(next()));
      at += 1;
    }
    take(')');
    return { type: 'matcher', name: name.toLowerCase(), args };
  }

  const node = chain('||', 0);
  if (at < tokens.length) throw new RuleError('something follows the end of the rule');
  return node;
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  const end = text.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const from = TOKEN.lastIndex;
    const found = TOKEN.exec(text)?.[1];
    if (found === undefined) throw new RuleError(`character ${from + 1} is not understood`);
    tokens.push(found);
  }
  return tokens;
}

function argument(token: string): string {
  if (token.startsWith('`')) return token.slice(1, -1);
  if (token.startsWith('"')) return token.slice(1, -1).replace(/\\(.)/g, '$1');
  throw new RuleError('an argument is not quoted');
}

interface Literal {
  readonly name: string;
  readonly arg: string;
  readonly negated: boolean;
}

/** Matchers whose several arguments (v2) are alternatives. */
const ALTERNATIVES = new Set(['host', 'hostheader', 'hostregexp', 'path', 'pathprefix', 'method']);

/** Disjunctive normal form: De Morgan pushes `!` down to the matchers. */
function waysOf(node: Node, negated: boolean): Literal[][] {
  switch (node.type) {
    case 'not':
      return waysOf(node.node, !negated);
    case 'matcher': {
      const { name, args } = node;
      if (!ALTERNATIVES.has(name)) return [[{ name, arg: args.join(','), negated }]];
      const literals = args.map((arg) => ({ name, arg, negated }));
      return negated ? [literals] : literals.map((literal) => [literal]);
    }
    case 'and':
    case 'or': {
      const parts = node.nodes.map((part) => waysOf(part, negated));
      const isOr = (node.type === 'or') !== negated;
      return isOr ? bounded(parts.flat()) : parts.reduce(product);
    }
  }
}

function product(left: Literal[][], right: Literal[][]): Literal[][] {
  if (left.length * right.length > MOST_WAYS) throw new RuleError('the rule has too many alternatives');
  return left.flatMap((one) => right.map((other) => [...one, ...other]));
}

function bounded(ways: Literal[][]): Literal[][] {
  if (ways.length > MOST_WAYS) throw new RuleError('the rule has too many alternatives');
  return ways;
}

/** What the literals of one way say together; null when they exclude each other. */
function wayFrom(literals: readonly Literal[]): RuleWay | null {
  const hosts = [...new Set(literals.filter((one) => !one.negated).map(hostOf))].filter(
    (one) => one !== null,
  );
  const notHosts = literals.filter((one) => one.negated).map(hostOf);
  const excluded = literals.filter((one) => one.negated).flatMap((one) => pathOf(one)?.pathname ?? []);
  const paths = literals.filter((one) => !one.negated).flatMap((one) => pathOf(one) ?? []);
  const others = literals.filter((one) => hostOf(one) === null && pathOf(one) === null);
  const [host = null] = hosts;
  if (hosts.length > 1 || (host !== null && notHosts.includes(host))) return null;
  const path = narrowest(paths);
  if (path === null || excluded.some((prefix) => path.pathname.startsWith(prefix))) return null;
  return { host, ...path, excluded, conditions: others.map(conditionName) };
}

function hostOf({ name, arg }: Literal): string | null {
  if (name === 'host' || name === 'hostheader') return arg.toLowerCase();
  return name === 'hostregexp' ? (literalText(arg)?.toLowerCase() ?? null) : null;
}

function pathOf({ name, arg }: Literal): { pathname: string; exact: boolean } | null {
  if (name === 'pathregexp') return literalPrefix(arg);
  if ((name !== 'path' && name !== 'pathprefix') || !arg.startsWith('/')) return null;
  return /[{}]/.test(arg) ? null : { pathname: arg, exact: name === 'path' };
}

/** The narrowest of paths that must all match; null when none can. */
function narrowest(
  paths: readonly { pathname: string; exact: boolean }[],
): { pathname: string; exact: boolean } | null {
  let best = { pathname: '/', exact: false };
  for (const path of paths) {
    const [shorter, longer] = path.pathname.length < best.pathname.length ? [path, best] : [best, path];
    if (!longer.pathname.startsWith(shorter.pathname)) return null;
    if (shorter.exact && shorter.pathname !== longer.pathname) return null;
    best = { pathname: longer.pathname, exact: longer.exact || shorter.exact };
  }
  return best;
}

const SHOWN: Readonly<Record<string, string>> = {
  method: 'Method',
  header: 'Header',
  headers: 'Headers',
  headerregexp: 'HeaderRegexp',
  headersregexp: 'HeadersRegexp',
  query: 'Query',
  queryregexp: 'QueryRegexp',
  clientip: 'ClientIP',
  hostregexp: 'HostRegexp',
  pathregexp: 'PathRegexp',
  path: 'Path with a pattern',
  pathprefix: 'PathPrefix with a pattern',
};

function conditionName({ name, negated }: Literal): string {
  return `${negated ? '!' : ''}${SHOWN[name] ?? 'an unknown matcher'}`;
}
