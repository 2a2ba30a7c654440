//! Sessions, on PostgreSQL.

use jiff::Timestamp;
use model::{Kind, Value};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::service::{failed, time};
use super::{Postgres, cells, query};
use crate::store::{MOST_SESSIONS, SessionName, SessionPut, SessionRow};
use crate::{Error, sql};

const NAME: [Type; 3] = [Type::TEXT, Type::TEXT, Type::TEXT];

impl Postgres {
    pub(crate) async fn put_session(
        &self,
        name: &SessionName,
        row: &SessionRow,
    ) -> Result<SessionPut, Error> {
        let connection = self.pool.shared().await?;
        let ttl = i64::from(row.ttl);
        let (created, expires) = (time(Some(row.created_at)), time(Some(row.expires_at)));
        let args: [&(dyn ToSql + Sync); 7] = [
            &name.kind,
            &name.id,
            &name.owner,
            &row.state,
            &ttl,
            &created,
            &expires,
        ];
        let [kind, id, owner] = NAME;
        let types = [
            kind,
            id,
            owner,
            Type::TEXT,
            Type::INT8,
            Type::TIMESTAMPTZ,
            Type::TIMESTAMPTZ,
        ];
        let put = query(&connection, &sql::put_session(MOST_SESSIONS), &types, &args).await;
        if !put.map_err(failed)?.is_empty() {
            return Ok(SessionPut::Kept);
        }
        let sql = "SELECT 1 FROM gantry_session WHERE kind = $1 AND id = $2";
        let there = query(&connection, sql, &NAME[..2], &args[..2]).await;
        Ok(if there.map_err(failed)?.is_empty() {
            SessionPut::Full
        } else {
            SessionPut::Foreign
        })
    }

    pub(crate) async fn find_session(
        &self,
        name: &SessionName,
        now: Timestamp,
    ) -> Result<Option<SessionRow>, Error> {
        let now = &time(Some(now));
        let sql = "SELECT state, ttl, created_at, expires_at FROM gantry_session \
                   WHERE kind = $1 AND id = $2 AND owner = $3 AND expires_at > $4";
        self.patiently(None, || async move {
            let rows = self.of_session(sql, name, now).await?;
            rows.first().map(row).transpose()
        })
        .await
    }

    pub(crate) async fn extend_session(
        &self,
        name: &SessionName,
        until: Timestamp,
    ) -> Result<(), Error> {
        let sql = "UPDATE gantry_session SET expires_at = $4 \
                   WHERE kind = $1 AND id = $2 AND owner = $3 AND expires_at < $4";
        let extended = self.of_session(sql, name, &time(Some(until))).await;
        extended.map(drop)
    }

    pub(crate) async fn delete_session(
        &self,
        name: &SessionName,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let sql = "DELETE FROM gantry_session \
                   WHERE kind = $1 AND id = $2 AND owner = $3 AND expires_at > $4 RETURNING 1";
        let deleted = self.of_session(sql, name, &time(Some(now))).await;
        Ok(!deleted?.is_empty())
    }

    async fn of_session(
        &self,
        sql: &str,
        name: &SessionName,
        at: &sql::Arg,
    ) -> Result<Vec<Row>, Error> {
        let connection = self.pool.shared().await?;
        let [kind, id, owner] = NAME;
        let types = [kind, id, owner, Type::TIMESTAMPTZ];
        let args: [&(dyn ToSql + Sync); 4] = [&name.kind, &name.id, &name.owner, at];
        let rows = query(&connection, sql, &types, &args).await;
        rows.map_err(failed)
    }
}

fn row(row: &Row) -> Result<SessionRow, Error> {
    let garbled = || Error::Internal("a row of sessions cannot be read".to_owned());
    let raw = |column| cells::raw(row, column)?.ok_or_else(garbled);
    let at = |column| match cells::scalar(raw(column)?, &Kind::Timestamp)? {
        Value::Timestamp(at) => Ok(at),
        _ => Err(garbled()),
    };
    Ok(SessionRow {
        state: row.try_get(0).map_err(failed)?,
        ttl: u32::try_from(cells::int(raw(1)?)?).map_err(|_| garbled())?,
        created_at: at(2)?,
        expires_at: at(3)?,
    })
}
