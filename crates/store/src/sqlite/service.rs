//! Keys, the shared secret, and clearing out, on SQLite.

use rusqlite::{Connection, OptionalExtension as _, Row};

use uuid::Uuid;

use super::{Sqlite, errors};
use crate::{Error, KeyRow};

pub(super) fn failed(error: rusqlite::Error) -> Error {
    errors::error(error, None)
}

impl Sqlite {
    pub(super) async fn change(
        &self,
        change: impl FnOnce(&Connection) -> rusqlite::Result<usize> + Send + 'static,
    ) -> Result<u64, Error> {
        let closed = |_| Error::Unavailable("the store is closed".to_owned());
        let _turn = self.turn.acquire().await.map_err(closed)?;
        let changed = self
            .writer
            .run(None, move |connection| change(connection).map_err(failed))
            .await?;
        Ok(changed as u64)
    }

    pub(crate) async fn secret(&self) -> Result<String, Error> {
        let ask = |connection: &mut Connection| {
            let sql = "SELECT value FROM gantry_meta WHERE key = 'secret'";
            let secret = connection.query_row(sql, [], |row| row.get(0)).optional();
            let missing = || {
                Error::Setup("the database is not migrated; run `gantry migrate apply`".to_owned())
            };
            secret.map_err(failed)?.ok_or_else(missing)
        };
        self.readers.run(None, ask).await
    }

    pub(crate) async fn add_key(&self, key: &KeyRow) -> Result<(), Error> {
        let key = key.clone();
        let add = move |connection: &Connection| {
            let sql = "INSERT INTO gantry_keys (id, name, hash, roles, tenant, created_at, expires_at, scopes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
            let roles = serde_json::Value::from(key.roles).to_string();
            let scopes = key
                .scopes
                .map(|scopes| serde_json::Value::from(scopes).to_string());
            let (created, expires) = (
                key.created_at.to_string(),
                key.expires_at.map(|at| at.to_string()),
            );
            connection.execute(
                sql,
                (
                    key.id,
                    key.name,
                    key.hash.as_slice(),
                    roles,
                    key.tenant,
                    created,
                    expires,
                    scopes,
                ),
            )
        };
        self.change(add).await.map(|_| ())
    }

    pub(crate) async fn find_key(&self, id: &str) -> Result<Option<KeyRow>, Error> {
        let id = id.to_owned();
        let find = move |connection: &mut Connection| {
            let mut found = connection
                .prepare_cached(&format!("{KEYS} WHERE id = ?"))
                .map_err(failed)?;
            found
                .query_row([id], |row| Ok(key(row)))
                .optional()
                .map_err(failed)?
                .transpose()
        };
        self.readers.run(None, find).await
    }

    /// Rows whose columns are all texts.
    pub(crate) async fn texts(&self, sql: String) -> Result<Vec<Vec<Option<String>>>, Error> {
        let ask = move |connection: &mut Connection| {
            let mut asked = connection.prepare_cached(&sql).map_err(failed)?;
            let count = asked.column_count();
            let texts = |row: &Row<'_>| (0..count).map(|at| row.get(at)).collect();
            let rows = asked.query_map([], texts).map_err(failed)?;
            rows.map(|row| row.map_err(failed)).collect()
        };
        self.readers.run(None, ask).await
    }

    pub(crate) async fn announce(&self, id: Uuid, version: &str) -> Result<(), Error> {
        let version = version.to_owned();
        let announce = move |connection: &Connection| {
            let sql = "INSERT INTO gantry_replicas (id, version, seen_at) \
                       VALUES (?, ?, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')) \
                       ON CONFLICT (id) DO UPDATE SET version = excluded.version, seen_at = excluded.seen_at";
            connection.execute(sql, (id.to_string(), version))
        };
        self.change(announce).await.map(drop)
    }

    pub(crate) async fn depart(&self, id: Uuid) -> Result<(), Error> {
        let depart = move |connection: &Connection| {
            connection.execute("DELETE FROM gantry_replicas WHERE id = ?", [id.to_string()])
        };
        self.change(depart).await.map(drop)
    }

    pub(crate) async fn list_keys(&self) -> Result<Vec<KeyRow>, Error> {
        let list = |connection: &mut Connection| {
            let mut found = connection
                .prepare_cached(&format!("{KEYS} ORDER BY created_at, id"))
                .map_err(failed)?;
            let rows = found.query_map([], |row| Ok(key(row))).map_err(failed)?;
            rows.map(|row| row.map_err(failed)?).collect()
        };
        self.readers.run(None, list).await
    }

    pub(crate) async fn revoke_key(&self, id: &str, at: jiff::Timestamp) -> Result<bool, Error> {
        let id = id.to_owned();
        let revoke = move |connection: &Connection| {
            let sql = "UPDATE gantry_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL";
            connection.execute(sql, (at.to_string(), id))
        };
        Ok(self.change(revoke).await? > 0)
    }

    pub(crate) async fn prune(&self, outbox_before: jiff::Timestamp) -> Result<u64, Error> {
        let expired = jiff::Timestamp::now() - std::time::Duration::from_hours(24);
        let prune = move |connection: &Connection| {
            let keys = "DELETE FROM gantry_idempotency WHERE created_at < ?";
            connection.execute(keys, [format!("{expired:.6}")])
        };
        let sessions = self.forget_sessions().await?;
        Ok(self.change(prune).await? + sessions + self.forget_changes(outbox_before).await?)
    }
}

const KEYS: &str = "SELECT id, name, hash, roles, tenant, created_at, expires_at, revoked_at, scopes FROM gantry_keys";

fn key(row: &Row<'_>) -> Result<KeyRow, Error> {
    let garbled = || Error::Internal("a row of keys cannot be read".to_owned());
    let at = |column: usize| -> Result<Option<jiff::Timestamp>, Error> {
        let text: Option<String> = row.get(column).map_err(failed)?;
        text.map(|text| text.parse().map_err(|_| garbled()))
            .transpose()
    };
    let hash: Vec<u8> = row.get(2).map_err(failed)?;
    let roles: String = row.get(3).map_err(failed)?;
    let scopes: Option<String> = row.get(8).map_err(failed)?;
    let scopes = scopes.map(|scopes| serde_json::from_str(&scopes).map_err(|_| garbled()));
    Ok(KeyRow {
        id: row.get(0).map_err(failed)?,
        name: row.get(1).map_err(failed)?,
        hash: hash.try_into().map_err(|_| garbled())?,
        roles: serde_json::from_str(&roles).map_err(|_| garbled())?,
        tenant: row.get(4).map_err(failed)?,
        created_at: at(5)?.ok_or_else(garbled)?,
        expires_at: at(6)?,
        revoked_at: at(7)?,
        scopes: scopes.transpose()?,
    })
}
