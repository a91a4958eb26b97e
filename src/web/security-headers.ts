// Headers of every answer (threats W5): no script but our own, no framing, no third party, nothing cached.

/** What an answer is; a page may send forms, an asset may be cached, an artifact is foreign to us. */
export type AnswerKind = 'page' | 'asset' | 'data' | 'artifact';

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/**
 * The headers of one kind of answer. Pages say `same-origin` as referrer policy: with `no-referrer` a browser sends
 * `Origin: null` with the page's own forms (Fetch standard, "append a request Origin header"), and the rule for
 * changes needs the true one. Other sites get no referrer either way.
 */
export function securityHeaders(kind: AnswerKind): Readonly<Record<string, string>> {
  return {
    'content-security-policy': kind === 'artifact' ? "default-src 'none'; sandbox" : CONTENT_SECURITY_POLICY,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': kind === 'page' ? 'same-origin' : 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    'cache-control': kind === 'asset' ? 'public, max-age=31536000, immutable' : 'no-store',
  };
}
