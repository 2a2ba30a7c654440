//! Sessions, alike on both engines.

use jiff::Timestamp;

use super::{Statement, Writer};
use crate::Engine;
use crate::store::{MOST_SESSIONS, SessionName, SessionRow};

/// Its arguments are kind, id, owner, state, ttl, now and the end; it answers a row where it kept the session.
///
/// Two who come at the same time may pass the limit by one: it bounds what an owner takes, it is no promise.
pub(crate) fn put_session(most: u64) -> String {
    format!(
        "INSERT INTO gantry_session (kind, id, owner, state, ttl, created_at, expires_at) \
         SELECT $1, $2, $3, $4, $5, $6, $7 \
         WHERE EXISTS (SELECT 1 FROM gantry_session WHERE kind = $1 AND id = $2) \
           OR (SELECT count(*) FROM (SELECT 1 FROM gantry_session WHERE owner = $3 AND expires_at > $6 LIMIT {most}) mine) < {most} \
         ON CONFLICT (kind, id) DO UPDATE SET owner = excluded.owner, state = excluded.state, ttl = excluded.ttl, \
           created_at = CASE WHEN gantry_session.expires_at > excluded.created_at \
             THEN gantry_session.created_at ELSE excluded.created_at END, expires_at = excluded.expires_at \
         WHERE gantry_session.owner = excluded.owner OR gantry_session.expires_at <= excluded.created_at \
         RETURNING 1"
    )
}

impl Writer {
    fn of_session(&mut self, name: &SessionName) -> &mut Self {
        self.sql(" WHERE kind = ").text(&name.kind);
        self.sql(" AND id = ").text(&name.id);
        self.sql(" AND owner = ").text(&name.owner)
    }

    fn after(&mut self, now: Timestamp) -> &mut Self {
        self.sql(" AND expires_at > ").time(Some(now))
    }
}

/// A new one; it answers a row where the owner may have one more.
pub(crate) fn open_session(engine: Engine, name: &SessionName, row: &SessionRow) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql(
        "INSERT INTO gantry_session (kind, id, owner, state, ttl, created_at, expires_at) SELECT ",
    );
    writer.text(&name.kind).sql(", ").text(&name.id).sql(", ");
    writer.text(&name.owner).sql(", ").text(&row.state);
    writer.sql(", ").int(row.ttl).sql(", ");
    writer.time(Some(row.created_at)).sql(", ");
    writer.time(Some(row.expires_at));
    writer.sql(" WHERE (SELECT count(*) FROM (SELECT 1 FROM gantry_session WHERE owner = ");
    writer.text(&name.owner).after(row.created_at);
    writer.sql(" LIMIT ").number(MOST_SESSIONS);
    writer.sql(") mine) < ").number(MOST_SESSIONS);
    writer.sql(" RETURNING id");
    writer.finish()
}

/// Its row as texts; to lock it is to be the only one who changes it until the transaction ends.
pub(crate) fn session(engine: Engine, name: &SessionName, now: Timestamp, lock: bool) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql(columns(engine)).of_session(name).after(now);
    if lock {
        writer.postgres(" FOR NO KEY UPDATE");
    }
    writer.finish()
}

/// Of one owner, newest first.
pub(crate) fn sessions(engine: Engine, name: &SessionName, now: Timestamp, most: u32) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql(columns(engine));
    writer.sql(" WHERE owner = ").text(&name.owner).after(now);
    writer.sql(" AND kind = ").text(&name.kind);
    writer.sql(" ORDER BY gantry_session.created_at DESC, gantry_session.id LIMIT ");
    writer.number(most.into());
    writer.finish()
}

pub(crate) fn keep_session(
    engine: Engine,
    name: &SessionName,
    state: &str,
    until: Timestamp,
) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("UPDATE gantry_session SET state = ").text(state);
    writer.sql(", expires_at = ").time(Some(until));
    writer.of_session(name);
    writer.finish()
}

pub(crate) fn extend_session(engine: Engine, name: &SessionName, until: Timestamp) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("UPDATE gantry_session SET expires_at = ");
    writer.time(Some(until)).of_session(name);
    writer.sql(" AND expires_at < ").time(Some(until));
    writer.finish()
}

pub(crate) fn close_session(engine: Engine, name: &SessionName, now: Timestamp) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("DELETE FROM gantry_session").of_session(name);
    writer.after(now).sql(" RETURNING id");
    writer.finish()
}

fn columns(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => {
            "SELECT id, state, ttl::text, to_char(created_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), \
             to_char(expires_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM gantry_session"
        }
        Engine::Sqlite => {
            "SELECT id, state, CAST(ttl AS TEXT), created_at, expires_at FROM gantry_session"
        }
    }
}
