//! What services keep beside the models.

/// What services read and write beside the models; the migration's own tables are the migration's.
pub(crate) fn service_tables(engine: crate::Engine) -> &'static str {
    match engine {
        crate::Engine::Postgres => POSTGRES,
        crate::Engine::Sqlite => SQLITE,
    }
}

const POSTGRES: &str = "CREATE TABLE IF NOT EXISTS gantry_keys (id text PRIMARY KEY, name text NOT NULL, hash bytea NOT NULL,
  roles text[] NOT NULL, tenant text, created_at timestamptz NOT NULL, expires_at timestamptz, revoked_at timestamptz,
  scopes text[]);
CREATE TABLE IF NOT EXISTS gantry_idempotency (caller text NOT NULL, node text NOT NULL, key text NOT NULL, hash bytea NOT NULL,
  meta text, body bytea, created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (caller, node, key));
CREATE TABLE IF NOT EXISTS gantry_outbox (seq bigint GENERATED ALWAYS AS IDENTITY,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(), at timestamptz NOT NULL DEFAULT now(), model text NOT NULL,
  record uuid NOT NULL, op text NOT NULL, version bigint NOT NULL, tenant text, gone jsonb, PRIMARY KEY (xid, seq));
CREATE TABLE IF NOT EXISTS gantry_session (kind text NOT NULL, id text NOT NULL, owner text NOT NULL, state text NOT NULL,
  ttl bigint NOT NULL, created_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, PRIMARY KEY (kind, id));
CREATE INDEX IF NOT EXISTS gantry_session_owner ON gantry_session (owner, expires_at);
CREATE TABLE IF NOT EXISTS gantry_workflow (name text NOT NULL, version text NOT NULL, text text NOT NULL,
  used_at timestamptz NOT NULL, PRIMARY KEY (name, version));
CREATE TABLE IF NOT EXISTS gantry_run (id uuid PRIMARY KEY, workflow text NOT NULL, version text NOT NULL, state text NOT NULL,
  epoch bigint NOT NULL, input text NOT NULL, output text, problem text, acting text NOT NULL, started_by text COLLATE \"C\" NOT NULL,
  tenant text, session text, parent uuid, slot text, slots bigint, lease uuid, due_at timestamptz,
  woken boolean NOT NULL DEFAULT false, cancelling boolean NOT NULL DEFAULT false, signals bigint NOT NULL DEFAULT 0,
  claims bigint NOT NULL DEFAULT 0, created_at timestamptz NOT NULL, started_at timestamptz, finished_at timestamptz);
CREATE INDEX IF NOT EXISTS gantry_run_due ON gantry_run (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS gantry_run_owner ON gantry_run (started_by, id);
CREATE INDEX IF NOT EXISTS gantry_run_parent ON gantry_run (parent) WHERE parent IS NOT NULL;
CREATE INDEX IF NOT EXISTS gantry_run_slot ON gantry_run (slot, id) WHERE slot IS NOT NULL AND finished_at IS NULL;
CREATE INDEX IF NOT EXISTS gantry_run_ended ON gantry_run (finished_at, id) WHERE finished_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS gantry_step (run uuid NOT NULL, epoch bigint NOT NULL, path text COLLATE \"C\" NOT NULL,
  seq bigint GENERATED ALWAYS AS IDENTITY, what text NOT NULL, state text NOT NULL, meta text, output text, problem text, note text,
  child uuid, attempts bigint NOT NULL, started_at timestamptz NOT NULL, ended_at timestamptz, PRIMARY KEY (run, epoch, path));
CREATE INDEX IF NOT EXISTS gantry_step_waits ON gantry_step (started_at, run, path) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS gantry_step_emitted ON gantry_step (ended_at, run, path) WHERE what = 'emit';
CREATE TABLE IF NOT EXISTS gantry_signal (run uuid NOT NULL, seq bigint NOT NULL, name text NOT NULL, payload text NOT NULL,
  told_by text NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (run, seq));
CREATE TABLE IF NOT EXISTS gantry_schedule (workflow text NOT NULL, number bigint NOT NULL, ticks text NOT NULL,
  next_at timestamptz NOT NULL, PRIMARY KEY (workflow, number));
CREATE TABLE IF NOT EXISTS gantry_trigger (workflow text NOT NULL, model text NOT NULL, seen text NOT NULL,
  PRIMARY KEY (workflow, model));
";

const SQLITE: &str = "CREATE TABLE IF NOT EXISTS gantry_keys (id TEXT PRIMARY KEY, name TEXT NOT NULL, hash BLOB NOT NULL,
  roles TEXT NOT NULL, tenant TEXT, created_at TEXT NOT NULL, expires_at TEXT, revoked_at TEXT, scopes TEXT);
CREATE TABLE IF NOT EXISTS gantry_idempotency (caller TEXT NOT NULL, node TEXT NOT NULL, key TEXT NOT NULL, hash BLOB NOT NULL,
  meta TEXT, body BLOB, created_at TEXT NOT NULL, PRIMARY KEY (caller, node, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gantry_outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, model TEXT NOT NULL,
  record TEXT NOT NULL, op TEXT NOT NULL, version INTEGER NOT NULL, tenant TEXT, gone TEXT);
CREATE TABLE IF NOT EXISTS gantry_session (kind TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL,
  ttl INTEGER NOT NULL, created_at TEXT NOT NULL, expires_at TEXT NOT NULL, PRIMARY KEY (kind, id));
CREATE INDEX IF NOT EXISTS gantry_session_owner ON gantry_session (owner, expires_at);
CREATE TABLE IF NOT EXISTS gantry_workflow (name TEXT NOT NULL, version TEXT NOT NULL, text TEXT NOT NULL,
  used_at TEXT NOT NULL, PRIMARY KEY (name, version));
CREATE TABLE IF NOT EXISTS gantry_run (id TEXT PRIMARY KEY, workflow TEXT NOT NULL, version TEXT NOT NULL, state TEXT NOT NULL,
  epoch INTEGER NOT NULL, input TEXT NOT NULL, output TEXT, problem TEXT, acting TEXT NOT NULL, started_by TEXT NOT NULL,
  tenant TEXT, session TEXT, parent TEXT, slot TEXT, slots INTEGER, lease TEXT, due_at TEXT,
  woken INTEGER NOT NULL DEFAULT 0, cancelling INTEGER NOT NULL DEFAULT 0, signals INTEGER NOT NULL DEFAULT 0,
  claims INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL, started_at TEXT, finished_at TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS gantry_run_due ON gantry_run (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS gantry_run_owner ON gantry_run (started_by, id);
CREATE INDEX IF NOT EXISTS gantry_run_parent ON gantry_run (parent) WHERE parent IS NOT NULL;
CREATE INDEX IF NOT EXISTS gantry_run_slot ON gantry_run (slot, id) WHERE slot IS NOT NULL AND finished_at IS NULL;
CREATE INDEX IF NOT EXISTS gantry_run_ended ON gantry_run (finished_at, id) WHERE finished_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS gantry_step (seq INTEGER PRIMARY KEY, run TEXT NOT NULL, epoch INTEGER NOT NULL, path TEXT NOT NULL,
  what TEXT NOT NULL, state TEXT NOT NULL, meta TEXT, output TEXT, problem TEXT, note TEXT,
  child TEXT, attempts INTEGER NOT NULL, started_at TEXT NOT NULL, ended_at TEXT, UNIQUE (run, epoch, path));
CREATE INDEX IF NOT EXISTS gantry_step_waits ON gantry_step (started_at, run, path) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS gantry_step_emitted ON gantry_step (ended_at, run, path) WHERE what = 'emit';
CREATE TABLE IF NOT EXISTS gantry_signal (run TEXT NOT NULL, seq INTEGER NOT NULL, name TEXT NOT NULL, payload TEXT NOT NULL,
  told_by TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (run, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gantry_schedule (workflow TEXT NOT NULL, number INTEGER NOT NULL, ticks TEXT NOT NULL,
  next_at TEXT NOT NULL, PRIMARY KEY (workflow, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gantry_trigger (workflow TEXT NOT NULL, model TEXT NOT NULL, seen TEXT NOT NULL,
  PRIMARY KEY (workflow, model)) WITHOUT ROWID;
";
