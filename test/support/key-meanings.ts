// What each key of gatewatch.yaml means, for the tables of the README. Which keys there are, what is required and
// which values are allowed comes from the schema; a default that is written here is checked against the loader.

export interface KeyMeaning {
  /** What may be written; where it is left out, the schema says it. */
  readonly type?: string;
  /** The value that leaving the key out amounts to, as YAML. */
  readonly default?: string;
  /** Words instead, where the default depends on something. */
  readonly otherwise?: string;
  readonly meaning: string;
}

const duration = 'duration';
const map = 'map of texts';

const EXPECT_KEYS = (at: string): Record<string, KeyMeaning> => ({
  [`${at}.is`]: { meaning: 'the expectation that the conditions below are added to' },
  [`${at}.status`]: { type: 'number or list', meaning: 'allowed statuses' },
  [`${at}.location`]: { type: 'text', meaning: 'literal beginning of `Location`' },
  [`${at}.header`]: { type: map, meaning: 'literal parts of response headers' },
  [`${at}.contains`]: { type: 'text', meaning: 'literal part of the page (its first 1 MiB)' },
  [`${at}.not-contains`]: { type: 'text', meaning: 'what must not be in the page' },
});

/** By key path; `[]` stands for an entry of a list. */
export const KEY_MEANINGS: Readonly<Record<string, KeyMeaning>> = {
  vantage: {
    type: 'name, or map with `name`',
    default: 'local',
    meaning: 'the place this daemon runs at; a label of its own alerts',
  },
  'vantage.name': { type: 'name', meaning: 'the same, as a map' },

  gates: { type: 'list', meaning: 'the logins in front of the services' },
  'gates[].name': { type: 'name', meaning: 'what targets call it' },
  'gates[].kind': { meaning: '`oidc`: any hand-over to `url`' },
  'gates[].url': { type: 'URL', meaning: 'the identity provider as a browser sees it' },
  'gates[].outpost': {
    type: 'name',
    otherwise: 'the name',
    meaning: 'the process that answers; gates of one outpost share a store, and therefore a budget',
  },
  'gates[].client': {
    type: 'text or list',
    otherwise: 'learned',
    meaning: 'expected client id; learned at the first good hand-over, then kept',
  },
  'gates[].callback': {
    type: 'host',
    otherwise: 'the target’s',
    meaning: 'expected return host; for a domain-wide gate learned once',
  },
  'gates[].forward-auth': {
    type: 'list of addresses',
    meaning:
      'where proxies ask this gate, such as `http://auth-proxy.traefik.svc:9000`; discovery knows it by them',
  },
  'gates[].sessions': { type: 'map', meaning: 'what strangers leave behind' },
  'gates[].sessions.store': {
    default: 'files',
    otherwise: '`files`; by kind',
    meaning:
      '`none`: a visit without a cookie leaves nothing behind (oauth2-proxy); authelia and oidc: `database`',
  },
  'gates[].sessions.capacity': {
    type: 'size',
    default: '64MiB',
    meaning: 'size of the store (`files`): Docker gives `/dev/shm` 64 MiB',
  },
  'gates[].sessions.lifetime': {
    type: duration,
    default: '1d',
    meaning: 'how long a stranger’s session stays (authentik: access token validity of the provider)',
  },
  'gates[].sessions.budget': {
    type: '`auto` or rate',
    default: 'auto',
    meaning: '`auto`: our sessions take at most a tenth of the store, and 6 visits a minute',
  },
  'gates[].sessions.vantages': { meaning: 'daemons that share that tenth' },
  'gates[].paths': {
    type: 'list of paths',
    otherwise: 'the cdn paths',
    meaning: 'the ways to the identity provider itself',
  },
  'gates[].labels': { type: map, meaning: 'labels of alerts about this gate' },
  'gates[].first-check': { type: 'text', meaning: '`first_check` of alerts about this gate' },

  paths: { type: 'list', meaning: 'the network ways to the services' },
  'paths[].name': { type: '`[a-z0-9-]+`', meaning: 'its name, also in metrics' },
  'paths[].kind': {
    meaning:
      '`cdn`: as a visitor, through the CDN; `origin`: straight to your proxy; `direct`: by DNS, no CDN in front',
  },
  'paths[].address': {
    type: 'host:port',
    otherwise: 'required for `origin`',
    meaning: 'where your proxy listens; dialled with the name of the target as SNI and Host',
  },
  'paths[].resolver': {
    type: 'IP[:port], `system`, or list',
    otherwise: '`[1.1.1.1, 9.9.9.9]`',
    meaning: 'who is asked for addresses; `origin` with a name as address: `system`',
  },
  'paths[].proof': { type: 'map', meaning: 'how an answer proves that it came this way' },
  'paths[].proof.header': { type: 'header', otherwise: '`cf-ray` on `cdn`', meaning: 'must be on answers' },
  'paths[].proof.absent': {
    type: 'header',
    otherwise: '`cf-ray` elsewhere',
    meaning: 'must not be on answers',
  },
  'paths[].requests': { type: 'rate', otherwise: 'no ceiling', meaning: 'ceiling, such as `20000/day`' },
  'paths[].family': { type: '`4` or `6`', otherwise: 'either', meaning: 'only addresses of that family' },
  'paths[].http': { type: '`1` or `2`', default: '1', meaning: 'HTTP version of visits' },
  'paths[].private': {
    meaning: 'private and loopback addresses are fine on this path (a LAN, a laboratory)',
  },
  'paths[].tls': { type: 'map', meaning: 'TLS towards this path' },
  'paths[].tls.ca': {
    type: 'file or list',
    otherwise: 'the public roots',
    meaning: 'roots to trust here, PEM files',
  },
  'paths[].tls.cert': { type: 'file', meaning: 'client certificate, PEM file' },
  'paths[].tls.key': { type: 'file', meaning: 'its key' },
  'paths[].tls.verify': { meaning: '`none` only on `origin`: certificates are not looked at' },
  'paths[].labels': { type: map, meaning: 'labels of alerts about this path' },
  'paths[].first-check': { type: 'text', meaning: '`first_check` of alerts about this path' },

  defaults: { type: 'map', meaning: 'what a target gets that does not say otherwise' },
  'defaults.gate': { type: 'gate', otherwise: 'none', meaning: 'the login in front' },
  'defaults.expect': {
    type: 'expectation, or map by path',
    default: 'login',
    meaning: '`login`, `public`, `app`, `challenge`, `closed`, or a map with `is` and conditions',
  },
  ...EXPECT_KEYS('defaults.expect'),
  'defaults.paths': { type: 'list of paths', otherwise: 'all paths', meaning: 'ways to probe' },
  'defaults.timeout': {
    type: duration,
    default: '10s',
    meaning: 'for a whole visit, from DNS to the last byte',
  },
  'defaults.slow': {
    type: duration,
    default: '5s',
    meaning: 'a right answer that takes longer is `degraded`',
  },
  'defaults.headers': {
    type: map,
    meaning: 'request headers to the target’s own host, such as a WAF skip secret',
  },

  zones: {
    type: 'list of domains',
    meaning: 'zones that are not registrable domains, such as `lab.example.com`',
  },

  targets: { type: 'list', meaning: 'what users depend on: a URL, or a map' },
  'targets[].url': { type: 'URL', meaning: 'a page, not a static file' },
  'targets[].gate': { type: 'gate or `null`', otherwise: 'defaults', meaning: 'the login in front' },
  'targets[].expect': { type: 'as in defaults', otherwise: 'defaults', meaning: 'what a right answer is' },
  ...EXPECT_KEYS('targets[].expect'),
  'targets[].paths': { type: 'list of paths', otherwise: 'defaults', meaning: 'ways to probe' },
  'targets[].timeout': { type: duration, otherwise: 'defaults', meaning: 'as in defaults' },
  'targets[].slow': { type: duration, otherwise: 'defaults', meaning: 'as in defaults' },
  'targets[].headers': { type: map, otherwise: 'defaults', meaning: 'added to those of the defaults' },
  'targets[].every': {
    type: duration,
    otherwise: 'checks',
    meaning: 'interval of its visits without session cost',
  },
  'targets[].flow': {
    type: 'name or file',
    otherwise: '`checks.browser.flow`',
    meaning: 'its flow in a browser',
  },
  'targets[].labels': { type: map, meaning: 'labels of its alerts; see `shared`' },
  'targets[].wake': { default: 'always', meaning: '`never`: scales to zero; visits end at the hand-over' },

  discover: { type: 'list', meaning: 'sources of further targets; with one, `targets` may be left out' },
  'discover[].kind': {
    meaning:
      '`file`, `http_sd`: Prometheus’ target groups; `caddy`: its admin API; `gatewatch`: another one’s targets; others by name',
  },
  'discover[].name': {
    type: 'name',
    otherwise: 'the kind',
    meaning: 'its name in metrics, alerts and drift',
  },
  'discover[].hosts': {
    type: 'host, `*.`host, or list',
    meaning: 'what it may add: a host, or everything below one; other hosts are drift, never probed',
  },
  'discover[].overrides': {
    meaning:
      'whoever writes to the source may also loosen expectations, choose pathnames and paths, and switch off',
  },
  'discover[].labels': {
    type: 'list of labels',
    meaning: 'labels that are taken from there, with `overrides`; never those of alerts',
  },
  'discover[].limit': { meaning: 'targets it may add; one namespace at most 200' },
  'discover[].every': { type: duration, otherwise: '30s', meaning: 'how often it is listed' },
  'discover[].timeout': { type: duration, otherwise: '20s', meaning: 'for one whole list' },
  'discover[].files': {
    type: 'file or list',
    meaning: '`file`: .json, .yml or .yaml; the last part may have `*`; watched',
  },
  'discover[].url': { type: 'URL', meaning: 'where the source is' },
  'discover[].kubeconfig': {
    type: 'file',
    otherwise: 'the pod',
    meaning: '`kubernetes`: how to reach the cluster',
  },
  'discover[].context': { type: 'text', otherwise: 'the current one', meaning: 'context of the kubeconfig' },
  'discover[].service-account': {
    type: 'folder',
    otherwise: 'the pod’s',
    meaning: '`kubernetes`: token and CA, read again as they change',
  },
  'discover[].annotations': {
    type: map,
    meaning:
      '`kubernetes`: your own annotations for `watch`, `expect`, `pathname`, `paths`, `labels`, in place of `gatewatch.dev/…`',
  },
  'discover[].middlewares': {
    type: 'map to gates or `null`',
    meaning:
      '`kubernetes`: middlewares that the cluster does not define, by full name (`sso@file`): the gate each asks, or `null`',
  },
  'discover[].entry-points': {
    type: 'map to gates',
    otherwise: 'not known',
    meaning: '`kubernetes`: entry points of Traefik whose own middlewares ask a gate; `{}` = none does',
  },
  'discover[].gate': {
    type: 'gate',
    otherwise: 'by outpost and address',
    meaning: '`authentik`: the gate that its providers are behind',
  },
  'discover[].file': { type: 'file', meaning: '`uptime-kuma`: its `kuma.db`, read as it is' },
  'discover[].auth': { type: 'map', meaning: 'credentials for it, over https or loopback alone' },
  'discover[].auth.basic': { type: 'map', meaning: 'name and password' },
  'discover[].auth.basic.username': { type: 'text', meaning: 'the name' },
  'discover[].auth.basic.password': { type: 'text', meaning: 'the password' },
  'discover[].auth.bearer': { type: 'text', meaning: 'a token; for `gatewatch` one that may `read`' },
  baseline: {
    type: 'file',
    otherwise: 'none',
    meaning:
      'accepted expectations, written by `gatewatch accept`; what contradicts them is `GatewatchDrift`',
  },

  control: {
    type: 'list of URLs',
    meaning: 'outside of the site and of its CDN; tells an outage from a dead uplink of ours',
  },

  checks: { type: 'map', meaning: 'how often' },
  'checks.return': { type: 'map', meaning: 'visits that cost no session' },
  'checks.return.every': {
    type: 'duration, or map by path or kind',
    default: '{ cdn: 5m, origin: 60s, direct: 60s }',
    meaning: 'their interval',
  },
  'checks.fresh': { type: 'map', meaning: 'visits that may cost a session' },
  'checks.fresh.every': {
    type: '`auto` or duration',
    default: 'auto',
    meaning: 'as often as the session budget allows, or a wanted interval of each (the budget still holds)',
  },
  'checks.session': {
    type: 'map',
    meaning: 'visits with a kept session or an API credential; see `accounts`',
  },
  'checks.session.every': {
    type: 'duration, or map by path or kind',
    default: '{ cdn: 5m, origin: 60s, direct: 60s }',
    meaning: 'their interval',
  },
  'checks.session.account': {
    type: 'name',
    otherwise: 'the first of the gate',
    meaning: 'who is signed in',
  },
  'checks.login': { type: 'map', meaning: 'whole logins over HTTP, at gates of kind `authentik`' },
  'checks.login.every': {
    type: duration,
    default: '30m',
    meaning: 'interval of each gate and path; an account logs in at most every 5 min and 6 times an hour',
  },
  'checks.login.targets': {
    type: 'list of URLs',
    otherwise: 'all, in turn',
    meaning: 'targets that are logged in to',
  },
  'checks.login.account': {
    type: 'name',
    otherwise: 'the first of the gate with a password',
    meaning: 'who logs in',
  },
  'checks.browser': {
    type: 'map',
    otherwise: 'none',
    meaning: 'whole logins in Chromium, by a flow; see `browser`',
  },
  'checks.browser.every': {
    type: duration,
    default: '1h',
    meaning: 'interval of each gate and path, within the limits of the account',
  },
  'checks.browser.flow': {
    type: 'name or file',
    default: 'authentik',
    meaning: 'a flow that ships, or a file, of targets that name none',
  },
  'checks.browser.targets': {
    type: 'list of URLs',
    otherwise: 'all, in turn',
    meaning: 'targets that are logged in to',
  },
  'checks.browser.account': {
    type: 'name',
    otherwise: 'the first of the gate with a password',
    meaning: 'who logs in',
  },
  browser: { type: 'map', meaning: 'the browser of `checks.browser`' },
  'browser.executable': {
    type: '`auto` or file',
    default: 'auto',
    meaning:
      'the program itself, no script that starts it; `auto` looks for the headless shell, then Chromium',
  },
  'browser.connect': {
    type: 'URL',
    meaning: 'a remote browser instead: a Playwright server of the same version, or a DevTools endpoint',
  },
  'browser.proxy': {
    type: 'host:port',
    otherwise: 'by loopback',
    meaning:
      'where a remote browser reaches the proxy of gatewatch, which listens on that port during a visit',
  },
  'browser.hosts': {
    type: 'list of hosts',
    meaning: 'further hosts that pages of a login may load from; `*.name` for all below it',
  },

  accounts: { type: 'list', meaning: 'who signed-in visits sign in as; each has one kind of credential' },
  'accounts[].name': { type: 'name', meaning: 'what `checks` and `gatewatch account` call it' },
  'accounts[].gate': { type: 'name', otherwise: 'the default or only gate', meaning: 'the login it is for' },
  'accounts[].username': { type: 'text', meaning: 'typed into the login' },
  'accounts[].password': {
    type: 'text',
    meaning: 'the same; sent to the origin of the `url` of the gate alone',
  },
  'accounts[].totp': {
    type: 'base32 or `otpauth:` URL',
    meaning: 'secret of the one-time codes, where the login asks for them',
  },
  'accounts[].bearer': { type: 'text', meaning: 'instead: a token that is sent with each request' },
  'accounts[].basic': { type: 'map', meaning: 'instead: basic authentication, with an application password' },
  'accounts[].basic.username': { type: 'text', meaning: 'its user name' },
  'accounts[].basic.password': { type: 'text', meaning: 'its password' },
  'accounts[].client': {
    type: 'map',
    meaning: 'instead: OAuth2 client credentials; tokens are made and renewed',
  },
  'accounts[].client.id': { type: 'text', meaning: 'client id' },
  'accounts[].client.secret': { type: 'text', meaning: 'client secret' },
  'accounts[].client.scope': {
    type: 'text',
    otherwise: '`openid profile ak_proxy`',
    meaning: 'scopes that are asked for',
  },
  'accounts[].client.token-url': {
    type: 'URL',
    otherwise: 'authentik’s',
    meaning: 'where tokens are made; on the origin of the `url` of the gate',
  },
  'accounts[].hosts': {
    type: 'list of hosts',
    otherwise: 'those of the targets of the gate',
    meaning: 'hosts that its sessions and credentials may go to; `*.name` for all below it',
  },
  'accounts[].denied': {
    type: 'list of hosts',
    meaning: 'hosts that must refuse it: the app there is `exposed`',
  },
  canaries: { meaning: 'cheap checks that tell components apart' },
  shared: {
    type: 'list of labels',
    meaning: 'labels of targets that are components: `node` makes one dead node one alert',
  },

  evidence: {
    type: 'list',
    meaning: 'alerts of others that say something; Alertmanager brings them to `POST /api/v1/alertmanager`',
  },
  'evidence[].alertname': { type: 'text', meaning: 'its name' },
  'evidence[].component': {
    type: '`type:name`',
    meaning: 'the component it is about; `*` stands for any text',
  },
  'evidence[].effect': {
    meaning:
      '`inform`: shown with incidents about it; `hold`: `GatewatchServiceDown` about it, or about targets that run through it, waits while it fires, 4 h at most',
  },

  maintenance: {
    type: 'list',
    meaning:
      'planned work: results count, no incident opens about what is covered, what still fails then opens after it',
  },
  'maintenance[].cron': {
    type: 'five parts',
    meaning: 'when it begins, again and again: minute, hour, day of the month, month, day of the week',
  },
  'maintenance[].for': {
    type: duration,
    otherwise: 'required with `cron`',
    meaning: 'how long it lasts, 1m to 7d',
  },
  'maintenance[].timezone': {
    type: 'time zone',
    otherwise: 'UTC',
    meaning:
      'of `cron`; a time that the clocks skip is taken when they have jumped, one that comes twice the first time',
  },
  'maintenance[].from': { type: 'instant', meaning: 'once: its begin, such as 2026-04-18T22:00Z' },
  'maintenance[].to': { type: 'instant', meaning: 'and its end' },
  'maintenance[].targets': { type: 'pattern or list', meaning: 'ids of targets; `*` stands for any text' },
  'maintenance[].component': {
    type: 'pattern or list',
    meaning:
      'components as `type:name`: everything that runs through them is covered, such as `gate:authentik`',
  },
  'maintenance[].labels': { type: map, meaning: 'targets that have all of these labels' },

  signatures: { type: 'list', meaning: 'patterns of your own, tried before the catalogue' },
  'signatures[].id': { type: 'name', meaning: 'its id; not one of the catalogue' },
  'signatures[].when': { type: 'map', meaning: 'conditions that must all hold' },
  'signatures[].when.status': { type: 'number or list', meaning: 'the status is one of these' },
  'signatures[].when.header': { type: map, meaning: 'literal parts of response headers' },
  'signatures[].when.contains': { type: 'text', meaning: 'literal part of the page' },
  'signatures[].when.not-contains': { type: 'text', meaning: 'what is not in the page' },
  'signatures[].when.location': { type: 'text', meaning: 'literal beginning of `Location`' },
  'signatures[].verdict': { meaning: 'what it means for the check' },
  'signatures[].component': {
    type: 'component type',
    meaning: 'whom it points at: `gate`, `cdn`, `target` …',
  },
  'signatures[].first-check': { type: 'text', meaning: 'what to do first' },

  alerts: { type: 'map', meaning: 'what alerts carry' },
  'alerts.labels': { type: map, meaning: 'added to every alert but the watchdog' },
  'alerts.rules': { type: 'list', meaning: 'set or remove labels of matching alerts, in order' },
  'alerts.rules[].match': { type: 'map', meaning: 'which alerts' },
  'alerts.rules[].match.alertname': { type: 'text', meaning: 'with this name' },
  'alerts.rules[].match.component': { type: 'text', meaning: 'about a component of this type' },
  'alerts.rules[].labels': { type: 'map, `null` removes', meaning: 'what changes' },
  'alerts.startup-grace': {
    type: duration,
    default: '5m',
    meaning: 'after a start, how long a target that was never seen up must fail before a service alert',
  },
  'alerts.certificate': { type: 'map', meaning: 'certificates near their end' },
  'alerts.certificate.warn': {
    type: duration,
    default: '14d',
    meaning: 'warn when less is left than this, or than a third of its life',
  },
  'alerts.runbooks': { type: 'URL', meaning: 'prefix of `runbook_url`; the alertname is put behind it' },
  watchdog: { meaning: '`GatewatchWatchdog` always fires: its absence is the alarm' },
  heartbeat: { type: 'map', otherwise: 'none', meaning: 'a dead man’s switch that is pinged' },
  'heartbeat.url': { type: 'URL', meaning: 'asked for (GET) while probing and delivering work' },
  'heartbeat.every': { type: duration, default: '60s', meaning: 'how often' },

  receivers: { type: 'list', meaning: 'who is told' },
  'receivers[].name': { type: 'name', meaning: 'its name, in metrics and `test-alert`' },
  'receivers[].kind': {
    type: '`alertmanager` or `webhook`',
    meaning: 'Alertmanager’s API v2, or its webhook payload',
  },
  'receivers[].urls': {
    type: 'list of URLs',
    otherwise: 'required for `alertmanager`',
    meaning: 'all peers of the cluster',
  },
  'receivers[].url': {
    type: 'URL',
    otherwise: 'required for `webhook`',
    meaning: 'where to POST; treated as a secret',
  },
  'receivers[].match': {
    type: 'map, text or list',
    otherwise: 'every alert',
    meaning: 'labels an alert must have',
  },
  'receivers[].fallback-for': {
    type: 'receiver',
    meaning: 'gets only what that one has not accepted, and its end',
  },
  'receivers[].after': { type: duration, otherwise: '`2m`', meaning: 'how long the other one has' },
  'receivers[].auth': { type: 'map', meaning: '`basic` or `bearer`' },
  'receivers[].auth.basic': { type: 'map', meaning: 'user name and password' },
  'receivers[].auth.basic.username': { type: 'text', meaning: 'user name' },
  'receivers[].auth.basic.password': { type: 'secret', meaning: 'password' },
  'receivers[].auth.bearer': { type: 'secret', meaning: 'token' },
  'receivers[].tls': { type: 'map', meaning: 'TLS towards the receiver' },
  'receivers[].tls.ca': { type: 'PEM text or list', meaning: 'further roots: `"${file:/path}"`' },

  store: { type: 'map', meaning: 'what is remembered' },
  'store.file': { meaning: 'results; the state is beside it in `…-state.db`' },
  'store.results': { type: duration, default: '14d', meaning: 'how long single results are kept' },
  'store.rollups': { type: duration, default: '400d', meaning: 'how long daily sums and incidents are kept' },
  'store.max': { type: 'size', default: '2GiB', meaning: 'size at which the oldest results go earlier' },
  'store.key': {
    type: 'text or list',
    meaning:
      'encrypts kept sessions, which else are in memory only; the first one seals, the others open what is older (`openssl rand -base64 32`)',
  },

  web: { type: 'map', meaning: 'page, API and metrics' },
  'web.listen': { type: 'IP:port', meaning: 'where to listen' },
  'web.url': { type: 'URL', meaning: 'the page as people reach it; links in alerts start with it' },
  'web.hosts': { type: 'list of names', meaning: 'further names that the `Host` header may have' },
  'web.auth': { type: 'map', otherwise: 'none', meaning: 'who may read and change' },
  'web.auth.basic': { type: 'map', meaning: 'a password for people' },
  'web.auth.basic.username': { type: 'text', meaning: 'user name' },
  'web.auth.basic.password': { type: 'secret', meaning: 'at least 12 characters' },
  'web.auth.tokens': { type: 'list', meaning: 'tokens for programs, as `Authorization: Bearer`' },
  'web.auth.tokens[].name': { type: 'name', meaning: 'shown in the log' },
  'web.auth.tokens[].token': { type: 'secret', meaning: 'at least 12 characters' },
  'web.auth.tokens[].may': { type: 'list', meaning: '`read`, `metrics`, `probe`, `run`, `reload`, `demo`' },
  'web.status-page': { type: '–', meaning: 'not built yet' },

  tls: { type: 'map', meaning: 'TLS everywhere' },
  'tls.ca': {
    type: 'file or list',
    otherwise: 'the public roots',
    meaning: 'further trusted roots, PEM files',
  },
  log: { type: 'map', meaning: 'the log, JSON on standard output' },
  'log.level': { meaning: 'from which level on' },
};
