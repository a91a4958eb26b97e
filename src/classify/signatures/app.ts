// Signatures of the app, and those that follow from the expectation alone (no `claim`: expectations.ts decides).

import { header, isCached, isThroughCdn, pageTitle, type Scene } from '../scene.ts';
import { type Signature, signatureId, unclear } from '../signature.ts';

/**
 * Waiting pages of services that scale to zero. Sablier's header does not pass its older Traefik plugin, so its themes
 * count too, and any page that reloads itself under a heading that says it is starting (users bring their own themes).
 * Sources: sablierapp/sablier internal/theme/embedded; ItsEcholot/ContainerNursery; moonbeam-nyc/snorlax wake-server.
 */
function isSleeper(scene: Scene): boolean {
  if (header(scene, 'x-sablier-session-status') === 'not-ready') return true;
  if (header(scene, 'x-powered-by') === 'containernursery') return true;
  if (header(scene, 'x-render-routing').includes('hibernate')) return true;
  if (pageTitle(scene) === 'sablier' || scene.head.includes('your instance(s) will stop after')) return true;
  if (scene.head.includes('sleeping-snorlax.gif')) return true;
  const reloads = scene.head.includes('http-equiv="refresh"');
  return reloads && /<(h[1-3]|span|title)[^>]{0,100}>\s{0,20}(starting|waking up)\b/.test(scene.head);
}

/** Component types of an exposed page: a cached one is the cache's fault first (DESIGN 4). */
export function exposedBy(scene: Scene): readonly string[] {
  if (!isCached(scene)) return ['target', 'origin', 'gate'];
  return isThroughCdn(scene) ? ['cdn', 'target'] : ['origin', 'target'];
}

export const APP_SIGNATURES: readonly Signature[] = [
  {
    id: signatureId('asleep'),
    pointsAt: ['target'],
    phrase: 'find the service asleep',
    meaning:
      'The service is scaled to zero and a page says that it is waking, or the probe stopped so as not to wake it.',
    firstCheck: 'replicas of {host}; a schedule must not wake it (wake: never)',
    source: 'DESIGN 3 "Sleepers"; Sablier, ContainerNursery and Snorlax waiting pages',
    claim: (scene) =>
      isSleeper(scene) ? unclear('the page of a sleeper: the service is not running') : null,
  },
  {
    id: signatureId('exposed'),
    pointsAt: ['target', 'origin', 'gate'],
    phrase: 'get the app without a login',
    meaning:
      'The service answers without login: its forward-auth is missing, skipped, or lets everybody pass.',
    firstCheck:
      'curl -sI https://{host}/; the forward-auth middleware of {host} in the proxy; version of {gate}',
    source: 'DESIGN 4 "Exposed"; reference/authentik.md 7, row 15; CVE-2026-25748',
    claim: null,
  },
  {
    id: signatureId('walled-off'),
    pointsAt: ['target', 'gate'],
    phrase: 'are asked for a login where none must be',
    meaning: 'A page that must be public is handed over to the gate: its exception is lost.',
    firstCheck: 'skip paths of the provider of {host}; rules and priorities of its routes',
    source: 'reference/authentik.md 7, row 16',
    claim: null,
  },
  {
    id: signatureId('app-error'),
    pointsAt: ['target', 'origin'],
    phrase: 'get a server error',
    meaning: 'The service answers 5xx, and nothing in front of it has marked the answer as its own.',
    firstCheck: 'log of the service behind {host}',
    source: 'RFC 9110 15.6',
    claim: null,
  },
  {
    id: signatureId('wrong-content'),
    pointsAt: ['target'],
    phrase: 'get an answer that is not the expected one',
    meaning: 'The answer breaks the expectation: status, header, redirect or text.',
    firstCheck: 'curl -si https://{target} | head -40; compare with expect: of the target',
    source: 'DESIGN 4 (expectations)',
    claim: null,
  },
  {
    id: signatureId('not-closed'),
    pointsAt: ['target', 'origin'],
    phrase: 'get an answer where none must be',
    meaning: 'A page that must be closed on this path answers.',
    firstCheck: 'firewall and routes of {host} on path {path}',
    source: 'DESIGN 4 (closed)',
    claim: null,
  },
  {
    id: signatureId('slow'),
    pointsAt: ['target', 'gate', 'origin'],
    phrase: 'are answered slowly',
    meaning: 'The answer is right, but slower than the limit of the target.',
    firstCheck:
      "curl -s -o /dev/null -w '%{time_appconnect} %{time_starttransfer} %{time_total}\\n' https://{host}/",
    source: 'DESIGN 4 (degraded)',
    claim: null,
  },
  {
    id: signatureId('certificate-expiring'),
    pointsAt: ['certificate'],
    phrase: 'get a certificate near its end',
    meaning: 'The certificate is valid, but its renewal is overdue.',
    firstCheck:
      'echo | openssl s_client -connect {host}:443 -servername {host} 2>/dev/null | openssl x509 -noout -dates',
    source: 'DESIGN 4 (degraded) and 5 (GatewatchCertificateExpiring)',
    claim: null,
  },
];
