-- What must survive power loss: incidents, the queue of deliveries, remembered facts, and the state of other rooms.

CREATE TABLE incidents (
  id          TEXT PRIMARY KEY,
  opened_at   INTEGER NOT NULL,
  resolved_at INTEGER,
  state       TEXT NOT NULL,
  kind        TEXT NOT NULL,
  component   TEXT,                   -- id of the blamed component
  labels      TEXT,                   -- JSON, frozen when the first delivery is queued
  body        TEXT NOT NULL           -- JSON of the whole incident
) STRICT;

CREATE INDEX incidents_opened ON incidents (opened_at, id);
CREATE INDEX incidents_live ON incidents (state) WHERE state <> 'resolved';

CREATE TABLE outbox (
  id        INTEGER PRIMARY KEY,      -- rising: the order of queueing
  receiver  TEXT NOT NULL,
  incident  TEXT NOT NULL,
  body      TEXT NOT NULL,            -- JSON, written and read by the notify room
  queued_at INTEGER NOT NULL
) STRICT;

-- What each receiver has accepted last about an incident.
CREATE TABLE deliveries (
  receiver    TEXT NOT NULL,
  incident    TEXT NOT NULL,
  body        TEXT NOT NULL,
  accepted_at INTEGER NOT NULL,
  PRIMARY KEY (receiver, incident)
) STRICT, WITHOUT ROWID;

CREATE TABLE facts (
  kind  TEXT NOT NULL,
  key   TEXT NOT NULL,
  value TEXT NOT NULL,
  at    INTEGER NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
