// Who wrote an answer, outermost first, by the marks of reference/authentik.md 8. For people who read a table;
// verdicts are the classifier's.

interface Answer {
  readonly status: number | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** Statuses that Cloudflare gives in its own name (developers.cloudflare.com "Error 5xx"). */
const EDGE_STATUS = new Set([520, 521, 522, 523, 524, 525, 526, 530]);

/** `Cloudflare`, `the identity provider`, `the gate (through Cloudflare)`, `Caddy`, …; null without a response. */
export function answeredBy(answer: Answer): string | null {
  const { status, headers } = answer;
  if (status === null) return null;
  const edge = headers['cf-ray'] !== undefined;
  if (edge && (EDGE_STATUS.has(status) || headers['cf-mitigated'] !== undefined)) return 'Cloudflare';
  const inner = innerAuthor(status, headers);
  return edge ? `${inner} (through Cloudflare)` : inner;
}

function innerAuthor(status: number, headers: Readonly<Record<string, string>>): string {
  const location = headers['location'] ?? '';
  if (headers['x-authentik-id'] !== undefined) return 'the identity provider';
  if (/\/application\/o\/authorize\/|\/outpost\.goauthentik\.io\/|\/oauth2\/(start|sign_in)/.test(location))
    return 'the gate';
  if (status === 400 && headers['content-length'] === '0' && headers['content-type'] === undefined)
    return 'the gate';
  const server = headers['server'] ?? '';
  if (/^(caddy|nginx)/i.test(server)) return /^caddy/i.test(server) ? 'Caddy' : 'nginx';
  if (status === 404 && headers['content-length'] === '19' && headers['x-content-type-options'] === 'nosniff')
    return 'Traefik';
  return 'the app';
}
