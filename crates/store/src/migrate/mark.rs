//! What the last migration left, in a few bytes: while nobody has touched the tables since, no definition need be read.

use super::live::Live;
use super::meta;
use crate::{Engine, Error};

const KEY: &str = "left";

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) migration: u64,
    /// Of the schema that it was for, [`super::Schema::version`].
    pub(super) version: String,
    stamp: String,
}

/// Each row of the catalogs that a definition stands in, by the transaction that wrote it. It differs too where nothing
/// does, in a restored database for instance; then all definitions are read.
const POSTGRES: &str = "
WITH ours AS (SELECT oid, relname, relkind FROM pg_class
              WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'i', 'I'))
SELECT concat_ws('.',
  (SELECT bit_xor(hashtextextended(oid || ' ' || relname, 0)) FROM ours),
  (SELECT bit_xor(hashtextextended(a.attrelid || ' ' || a.attnum || ' ' || a.xmin, 0))
   FROM pg_attribute a JOIN ours ON ours.oid = a.attrelid WHERE ours.relkind IN ('r', 'p') AND a.attnum > 0),
  (SELECT bit_xor(hashtextextended(d.oid || ' ' || d.xmin, 0)) FROM pg_attrdef d JOIN ours ON ours.oid = d.adrelid),
  (SELECT bit_xor(hashtextextended(n.oid || ' ' || n.xmin, 0)) FROM pg_constraint n JOIN ours ON ours.oid = n.conrelid),
  (SELECT bit_xor(hashtextextended(x.indexrelid || ' ' || x.xmin, 0))
   FROM pg_index x JOIN ours ON ours.oid = x.indexrelid),
  (SELECT bit_xor(hashtextextended(g.oid || ' ' || g.xmin, 0))
   FROM pg_trigger g JOIN ours ON ours.oid = g.tgrelid WHERE NOT g.tgisinternal))";

/// Another one after each change of a definition.
async fn stamp(live: &mut Live) -> Result<String, Error> {
    let sql = match live.engine() {
        Engine::Postgres => POSTGRES,
        Engine::Sqlite => "PRAGMA schema_version",
    };
    let rows = live.rows(sql, &[]).await?;
    Ok(rows
        .into_iter()
        .flatten()
        .flatten()
        .next()
        .unwrap_or_default())
}

impl Mark {
    /// The last one, if the tables are as they were then.
    pub(super) async fn untouched(live: &mut Live) -> Result<Option<Self>, Error> {
        let Some(kept) = meta::get(live, KEY).await? else {
            return Ok(None);
        };
        let mark = Self::read(&kept);
        Ok(match mark {
            Some(mark) if mark.stamp == stamp(live).await? => Some(mark),
            _ => None,
        })
    }

    /// That the tables are as this migration left them.
    pub(super) async fn keep(live: &mut Live, migration: u64, version: &str) -> Result<(), Error> {
        let stamp = stamp(live).await?;
        meta::put(live, KEY, &format!("{migration} {version} {stamp}")).await
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        Some(Self {
            migration: parts.next()?.parse().ok()?,
            version: parts.next()?.to_owned(),
            stamp: parts.next()?.to_owned(),
        })
    }
}
