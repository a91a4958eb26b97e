-- Results, append only: a batch of seven rows writes one page. A row is found by its id (rising, near `at` * 1024) or
-- from a later row of its check backwards along `prev`: an index by check would write one page a row (reference
-- performance.md section 8). What else is known of results is brought up to `meta.rolled` every few minutes.

CREATE TABLE checks (
  id      INTEGER PRIMARY KEY,
  name    TEXT NOT NULL UNIQUE,
  kind    TEXT NOT NULL,              -- visit | canary
  target  TEXT NOT NULL,              -- target id, or the canary's name
  path    TEXT,
  visit   TEXT NOT NULL               -- visit, or the canary's kind
) STRICT;

CREATE INDEX checks_target ON checks (target);

-- The newest result of each check up to `meta.rolled`, and since when the verdict is that one's. Apart from `checks`,
-- so that many fit on a page.
CREATE TABLE heads (
  check_id INTEGER PRIMARY KEY,
  last_id  INTEGER NOT NULL,
  since    INTEGER NOT NULL
) STRICT;

-- What results repeat: the same check gives the same answer thousands of times.
CREATE TABLE shapes (
  id        INTEGER PRIMARY KEY,
  hash      BLOB NOT NULL UNIQUE,
  signature TEXT,
  status    INTEGER,
  reason    TEXT NOT NULL,
  evidence  TEXT NOT NULL,            -- JSON, without timings and without headers that always differ
  seen_at   INTEGER NOT NULL          -- about the last use, for pruning
) STRICT;

CREATE TABLE results (
  id          INTEGER PRIMARY KEY,
  at          INTEGER NOT NULL,       -- ms since the epoch
  check_id    INTEGER NOT NULL,
  verdict     INTEGER NOT NULL,       -- 0 up, 1 degraded, 2 down, 3 unknown
  duration_us INTEGER NOT NULL,
  prev        INTEGER NOT NULL,       -- id of the result before of the same check, or 0
  extra       INTEGER NOT NULL,
  shape_id    INTEGER,                -- null: `detail` says all
  timings     TEXT,                   -- with a shape: `dns,connect,tls,first byte,transfer,bytes` of each exchange
  detail      TEXT                    -- without: JSON { signature, status, reason, evidence }
) STRICT;

-- In the order of writing, and with all that narrows a query: faults of one check are found without reading others.
CREATE INDEX results_not_up ON results (id, check_id, verdict, at) WHERE verdict <> 0;

-- Sums of the results up to `meta.rolled`. Buckets begin at `start` (ms since the epoch). Start first: one moment's
-- rows lie together. `last_id` is the bucket's newest result, where a walk along `prev` may begin.
CREATE TABLE rollups_5m (
  start INTEGER NOT NULL, check_id INTEGER NOT NULL,
  up INTEGER NOT NULL, degraded INTEGER NOT NULL, down INTEGER NOT NULL, unknown INTEGER NOT NULL,
  sum_us INTEGER NOT NULL, min_us INTEGER NOT NULL, max_us INTEGER NOT NULL, last_id INTEGER NOT NULL,
  PRIMARY KEY (start, check_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollups_1h (
  start INTEGER NOT NULL, check_id INTEGER NOT NULL,
  up INTEGER NOT NULL, degraded INTEGER NOT NULL, down INTEGER NOT NULL, unknown INTEGER NOT NULL,
  sum_us INTEGER NOT NULL, min_us INTEGER NOT NULL, max_us INTEGER NOT NULL, last_id INTEGER NOT NULL,
  PRIMARY KEY (start, check_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollups_1d (
  start INTEGER NOT NULL, check_id INTEGER NOT NULL,
  up INTEGER NOT NULL, degraded INTEGER NOT NULL, down INTEGER NOT NULL, unknown INTEGER NOT NULL,
  sum_us INTEGER NOT NULL, min_us INTEGER NOT NULL, max_us INTEGER NOT NULL, last_id INTEGER NOT NULL,
  PRIMARY KEY (start, check_id)
) STRICT, WITHOUT ROWID;

-- rolled: highest id in heads and roll-ups; rows: results up to there; lead: most ms an id runs ahead of its `at`.
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- For people with sqlite3: `SELECT * FROM history WHERE target = 'grafana.example.com' AND verdict = 'down'`.
CREATE VIEW history AS
SELECT
  results.id,
  strftime('%Y-%m-%dT%H:%M:%fZ', results.at / 1000.0, 'unixepoch') AS at,
  checks.target, checks.path, checks.visit,
  CASE results.verdict WHEN 0 THEN 'up' WHEN 1 THEN 'degraded' WHEN 2 THEN 'down' ELSE 'unknown' END AS verdict,
  coalesce(shapes.signature, results.detail ->> '$.signature') AS signature,
  coalesce(shapes.status, results.detail ->> '$.status') AS status,
  results.duration_us / 1000.0 AS duration_ms,
  coalesce(shapes.reason, results.detail ->> '$.reason') AS reason
FROM results
JOIN checks ON checks.id = results.check_id
LEFT JOIN shapes ON shapes.id = results.shape_id;
