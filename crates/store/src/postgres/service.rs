//! Keys, the shared secret, and clearing out, on PostgreSQL.

use model::{Kind, Value};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Postgres, cells, errors};
use crate::sql::{Arg, Scalar};
use crate::{Error, KeyRow};

#[expect(
    clippy::needless_pass_by_value,
    reason = "stands in map_err, which hands it over"
)]
pub(super) fn failed(error: tokio_postgres::Error) -> Error {
    errors::error(&error, None)
}

pub(super) fn time(at: Option<jiff::Timestamp>) -> Arg {
    Arg {
        value: at.map_or(Value::Null, Value::Timestamp),
        scalar: Scalar::Timestamp,
        array: false,
    }
}

fn uuid(id: Uuid) -> Arg {
    Arg {
        value: Value::Uuid(id),
        scalar: Scalar::Uuid,
        array: false,
    }
}

impl Postgres {
    pub(crate) async fn secret(&self) -> Result<String, Error> {
        let connection = self.pool.shared().await?;
        let row = connection
            .client
            .query_opt("SELECT value FROM gantry_meta WHERE key = 'secret'", &[])
            .await;
        let missing =
            || Error::Setup("the database is not migrated; run `gantry migrate apply`".to_owned());
        row.map_err(failed)?
            .map(|row| row.get(0))
            .ok_or_else(missing)
    }

    pub(crate) async fn add_key(&self, key: &KeyRow) -> Result<(), Error> {
        let connection = self.pool.shared().await?;
        let sql = "INSERT INTO gantry_keys (id, name, hash, roles, tenant, created_at, expires_at, scopes) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let (created, expires) = (time(Some(key.created_at)), time(key.expires_at));
        let args: [&(dyn tokio_postgres::types::ToSql + Sync); 8] = [
            &key.id,
            &key.name,
            &key.hash.as_slice(),
            &key.roles,
            &key.tenant,
            &created,
            &expires,
            &key.scopes,
        ];
        connection
            .client
            .execute(sql, &args)
            .await
            .map_err(failed)?;
        Ok(())
    }

    pub(crate) async fn find_key(&self, id: &str) -> Result<Option<KeyRow>, Error> {
        let sql = &format!("{KEYS} WHERE id = $1");
        self.patiently(None, || async move {
            let connection = self.pool.shared().await?;
            let row = connection.client.query_opt(sql, &[&id]).await;
            row.map_err(failed)?.as_ref().map(key).transpose()
        })
        .await
    }

    /// Rows whose columns are all texts.
    pub(crate) async fn texts(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Error> {
        self.patiently(None, || async move {
            let connection = self.pool.shared().await?;
            let rows = connection.client.query(sql, &[]).await.map_err(failed)?;
            let texts = |row: &Row| (0..row.len()).map(|at| row.try_get(at)).collect();
            let rows: Result<_, _> = rows.iter().map(texts).collect();
            rows.map_err(failed)
        })
        .await
    }

    pub(crate) async fn announce(&self, id: Uuid, version: &str) -> Result<(), Error> {
        let connection = self.pool.shared().await?;
        let sql = "INSERT INTO gantry_replicas (id, version, seen_at) VALUES ($1, $2, now()) \
                   ON CONFLICT (id) DO UPDATE SET version = excluded.version, seen_at = excluded.seen_at";
        let done = connection.client.execute(sql, &[&uuid(id), &version]).await;
        done.map(drop).map_err(failed)
    }

    pub(crate) async fn depart(&self, id: Uuid) -> Result<(), Error> {
        let connection = self.pool.shared().await?;
        let sql = "DELETE FROM gantry_replicas WHERE id = $1";
        let done = connection.client.execute(sql, &[&uuid(id)]).await;
        done.map(drop).map_err(failed)
    }

    pub(crate) async fn list_keys(&self) -> Result<Vec<KeyRow>, Error> {
        let connection = self.pool.shared().await?;
        let rows = connection
            .client
            .query(&format!("{KEYS} ORDER BY created_at, id"), &[])
            .await
            .map_err(failed)?;
        rows.iter().map(key).collect()
    }

    pub(crate) async fn revoke_key(&self, id: &str, at: jiff::Timestamp) -> Result<bool, Error> {
        let connection = self.pool.shared().await?;
        let sql = "UPDATE gantry_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
        let changed = connection
            .client
            .execute(sql, &[&id, &time(Some(at))])
            .await
            .map_err(failed)?;
        Ok(changed > 0)
    }

    pub(crate) async fn prune(&self, outbox_before: jiff::Timestamp) -> Result<u64, Error> {
        let lent = self.pool.lend().await?;
        let client = &lent.connection.client;
        let keys = client
            .execute(
                "DELETE FROM gantry_idempotency WHERE created_at < now() - interval '24 hours'",
                &[],
            )
            .await
            .map_err(failed)?;
        let sessions = client
            .execute("DELETE FROM gantry_session WHERE expires_at <= now()", &[])
            .await
            .map_err(failed)?;
        self.pool.give_back(lent);
        Ok(keys + sessions + self.forget_changes(outbox_before).await?)
    }
}

const KEYS: &str = "SELECT id, name, hash, roles, tenant, created_at, expires_at, revoked_at, scopes FROM gantry_keys";

fn key(row: &Row) -> Result<KeyRow, Error> {
    let at = |column: usize| -> Result<Option<jiff::Timestamp>, Error> {
        let raw = cells::raw(row, column)?;
        match raw
            .map(|raw| cells::scalar(raw, &Kind::Timestamp))
            .transpose()?
        {
            Some(Value::Timestamp(at)) => Ok(Some(at)),
            _ => Ok(None),
        }
    };
    let hash: &[u8] = row.get(2);
    Ok(KeyRow {
        id: row.get(0),
        name: row.get(1),
        hash: hash
            .try_into()
            .map_err(|_| Error::Internal("a key's hash has another length".to_owned()))?,
        roles: row.get(3),
        tenant: row.get(4),
        created_at: at(5)?.unwrap_or_default(),
        expires_at: at(6)?,
        revoked_at: at(7)?,
        scopes: row.get(8),
    })
}
