//! Sessions as one statement, alike on both engines.

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
