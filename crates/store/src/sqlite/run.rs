//! Runs, on SQLite.

use super::service::failed;
use super::{Sqlite, query};
use crate::Error;
use crate::run::Texts;
use crate::sql::Statement;

pub(crate) fn texts(rows: &mut rusqlite::Rows<'_>) -> Result<Vec<Texts>, Error> {
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let columns = 0..row.as_ref().column_count();
        let texts = columns.map(|at| row.get(at)).collect::<Result<_, _>>();
        found.push(texts.map_err(failed)?);
    }
    Ok(found)
}

impl Sqlite {
    pub(crate) async fn ask_texts(&self, statement: Statement) -> Result<Vec<Texts>, Error> {
        self.read(statement, None, texts).await
    }

    pub(crate) async fn tell_texts(&self, statement: Statement) -> Result<Vec<Texts>, Error> {
        let closed = |_| Error::Unavailable("the store is closed".to_owned());
        let _turn = self.turn.acquire().await.map_err(closed)?;
        let tell =
            move |connection: &mut rusqlite::Connection| query(connection, &statement, texts);
        self.writer.run(None, tell).await
    }
}
