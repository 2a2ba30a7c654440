//! Runs, on PostgreSQL.

use tokio_postgres::Row;

use super::service::failed;
use super::{Change, Done, Postgres};
use crate::Error;
use crate::run::Texts;
use crate::sql::Statement;

/// Columns behind those that are texts are nobody's.
pub(crate) fn texts(rows: &[Row]) -> Result<Vec<Texts>, Error> {
    let text = |row: &Row| {
        let columns = 0..row.len();
        columns.map(|at| row.try_get(at).map_err(failed)).collect()
    };
    rows.iter().map(text).collect()
}

impl Postgres {
    pub(crate) async fn ask_texts(&self, statement: &Statement) -> Result<Vec<Texts>, Error> {
        texts(&self.read(statement, None).await?)
    }

    pub(crate) async fn tell_texts(&self, statement: &Statement) -> Result<Vec<Texts>, Error> {
        let told = self.by_itself(&Change::Statement(statement), None).await;
        match told? {
            Done::Rows(rows) => texts(&rows),
            Done::Written(_) => Ok(Vec::new()),
        }
    }
}
