//! `gantry_meta`: what the platform remembers of the database as a whole, by name.

use super::live::Live;
use crate::Error;

pub(super) async fn get(live: &mut Live, key: &str) -> Result<Option<String>, Error> {
    let sql = format!("SELECT value FROM gantry_meta WHERE key = '{key}'");
    let rows = live.rows(&sql, &[]).await?;
    Ok(rows.into_iter().flatten().flatten().next())
}

pub(super) async fn put(live: &mut Live, key: &str, value: &str) -> Result<(), Error> {
    write(live, key, value, "UPDATE SET value = excluded.value").await
}

/// Leaves what is there.
pub(super) async fn put_once(live: &mut Live, key: &str, value: &str) -> Result<(), Error> {
    write(live, key, value, "NOTHING").await
}

async fn write(live: &mut Live, key: &str, value: &str, else_do: &str) -> Result<(), Error> {
    let value_sql = live.text(1);
    let sql = format!(
        "INSERT INTO gantry_meta (key, value) VALUES ('{key}', {value_sql}) ON CONFLICT (key) DO {else_do}"
    );
    live.rows(&sql, &[value]).await.map(drop)
}

pub(super) async fn forget(live: &mut Live, key: &str) -> Result<(), Error> {
    live.run(&format!("DELETE FROM gantry_meta WHERE key = '{key}'"))
        .await
}
