//! Sessions, on SQLite.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::Sqlite;
use super::service::failed;
use crate::store::{MOST_SESSIONS, SessionName, SessionPut, SessionRow};
use crate::{Error, sql};

/// Of one width, so that texts compare as times do.
fn time(at: Timestamp) -> String {
    format!("{at:.6}")
}

impl Sqlite {
    pub(crate) async fn put_session(
        &self,
        name: &SessionName,
        row: &SessionRow,
    ) -> Result<SessionPut, Error> {
        let (name, row) = (name.clone(), row.clone());
        let put = move |connection: &mut Connection| {
            let mut put = connection.prepare_cached(&sql::put_session(MOST_SESSIONS))?;
            let kept = put.exists((
                &name.kind,
                &name.id,
                &name.owner,
                &row.state,
                row.ttl,
                time(row.created_at),
                time(row.expires_at),
            ))?;
            if kept {
                return Ok(SessionPut::Kept);
            }
            let sql = "SELECT 1 FROM gantry_session WHERE kind = ? AND id = ?";
            let there = connection
                .prepare_cached(sql)?
                .exists((&name.kind, &name.id))?;
            Ok(if there {
                SessionPut::Foreign
            } else {
                SessionPut::Full
            })
        };
        let closed = |_| Error::Unavailable("the store is closed".to_owned());
        let _turn = self.turn.acquire().await.map_err(closed)?;
        self.writer
            .run(None, move |connection| put(connection).map_err(failed))
            .await
    }

    pub(crate) async fn find_session(
        &self,
        name: &SessionName,
        now: Timestamp,
    ) -> Result<Option<SessionRow>, Error> {
        let name = name.clone();
        let find = move |connection: &mut Connection| {
            let sql = "SELECT state, ttl, created_at, expires_at FROM gantry_session \
                       WHERE kind = ? AND id = ? AND owner = ? AND expires_at > ?";
            let mut found = connection.prepare_cached(sql).map_err(failed)?;
            found
                .query_row((name.kind, name.id, name.owner, time(now)), |one| {
                    Ok(row(one))
                })
                .optional()
                .map_err(failed)?
                .transpose()
        };
        self.readers.run(None, find).await
    }

    pub(crate) async fn extend_session(
        &self,
        name: &SessionName,
        until: Timestamp,
    ) -> Result<(), Error> {
        let name = name.clone();
        let extend = move |connection: &Connection| {
            let sql = "UPDATE gantry_session SET expires_at = ?4 \
                       WHERE kind = ?1 AND id = ?2 AND owner = ?3 AND expires_at < ?4";
            connection.execute(sql, (name.kind, name.id, name.owner, time(until)))
        };
        self.change(extend).await.map(drop)
    }

    pub(crate) async fn delete_session(
        &self,
        name: &SessionName,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let name = name.clone();
        let delete = move |connection: &Connection| {
            let sql = "DELETE FROM gantry_session \
                       WHERE kind = ? AND id = ? AND owner = ? AND expires_at > ?";
            connection.execute(sql, (name.kind, name.id, name.owner, time(now)))
        };
        Ok(self.change(delete).await? > 0)
    }

    pub(super) async fn forget_sessions(&self) -> Result<u64, Error> {
        let forget = |connection: &Connection| {
            let sql = "DELETE FROM gantry_session WHERE expires_at <= ?";
            connection.execute(sql, [time(Timestamp::now())])
        };
        self.change(forget).await
    }
}

fn row(row: &Row<'_>) -> Result<SessionRow, Error> {
    let garbled = || Error::Internal("a row of sessions cannot be read".to_owned());
    let at = |column: usize| -> Result<Timestamp, Error> {
        let text: String = row.get(column).map_err(failed)?;
        text.parse().map_err(|_| garbled())
    };
    Ok(SessionRow {
        state: row.get(0).map_err(failed)?,
        ttl: row.get(1).map_err(failed)?,
        created_at: at(2)?,
        expires_at: at(3)?,
    })
}
