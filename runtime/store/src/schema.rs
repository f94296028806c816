//! The tables, version 1.

/// Marks a file as ours: `ktl1` in ASCII.
pub(crate) const APPLICATION_ID: i32 = 0x6b74_6c31;
/// Counts up with every change of the tables.
pub(crate) const VERSION: i32 = 1;

pub(crate) const TABLES: &str = "
CREATE TABLE runs (
  id TEXT PRIMARY KEY,
  stack TEXT NOT NULL,
  command TEXT NOT NULL,
  plan TEXT NOT NULL,
  dry_run INTEGER NOT NULL,
  started INTEGER NOT NULL,
  status TEXT NOT NULL,
  duration_ms INTEGER,
  summary TEXT,
  tip TEXT NOT NULL
) STRICT;
CREATE INDEX runs_by_stack ON runs (stack, started);
CREATE TABLE releases (
  run TEXT NOT NULL REFERENCES runs (id),
  id TEXT NOT NULL,
  state TEXT NOT NULL,
  detail TEXT NOT NULL DEFAULT '',
  started_ms INTEGER,
  done_ms INTEGER,
  PRIMARY KEY (run, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE nodes (
  run TEXT NOT NULL REFERENCES runs (id),
  id TEXT NOT NULL,
  release TEXT,
  state TEXT NOT NULL,
  outcome TEXT NOT NULL DEFAULT '',
  detail TEXT NOT NULL DEFAULT '',
  attempts INTEGER NOT NULL DEFAULT 0,
  started_ms INTEGER,
  applied_ms INTEGER,
  done_ms INTEGER,
  PRIMARY KEY (run, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE ops (
  seq INTEGER PRIMARY KEY,
  run TEXT NOT NULL REFERENCES runs (id),
  node TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  op TEXT NOT NULL,
  digest TEXT NOT NULL,
  intent_ms INTEGER NOT NULL,
  result_ms INTEGER,
  result TEXT,
  uid TEXT,
  resource_version TEXT
) STRICT;
CREATE INDEX ops_by_node ON ops (run, node);
CREATE TABLE events (
  run TEXT NOT NULL REFERENCES runs (id),
  seq INTEGER NOT NULL,
  payload TEXT NOT NULL,
  prev_hash TEXT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE timings (
  stack TEXT NOT NULL,
  node TEXT NOT NULL,
  count INTEGER NOT NULL,
  total_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  PRIMARY KEY (stack, node)
) STRICT, WITHOUT ROWID;
";
