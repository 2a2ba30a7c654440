//! Which changes the triggers of workflows have seen to.

use uuid::Uuid;

use super::run::in_transaction;
use super::{Engine, Store, Tx};
use crate::run::{Columns, Texts, garbled};
use crate::sql::run as sql;
use crate::{Error, NewRun, Position, TriggerRow, Unseen};

impl Store {
    /// From now on exactly these follow changes. Those that do already go on from where they are.
    pub async fn follow(&self, rows: &[TriggerRow]) -> Result<(), Error> {
        in_transaction!(self, tx => tx.follow(rows))
    }

    pub async fn followed(&self) -> Result<Vec<TriggerRow>, Error> {
        let rows = self.ask(sql::followed(self.engine())).await?;
        let row = |row| {
            let mut columns = Columns::new(row);
            Ok(TriggerRow {
                workflow: columns.text()?,
                model: columns.text()?,
                seen: Position::parse(&columns.text()?).ok_or_else(garbled)?,
            })
        };
        rows.into_iter().map(row).collect()
    }

    /// Whether there are changes behind the position.
    pub async fn unseen(&self, after: Position) -> Result<Unseen, Error> {
        let rows = self.ask(sql::unseen(self.engine(), after)).await?;
        let settled = rows.into_iter().flatten().flatten().next();
        Ok(match settled.as_deref() {
            None => Unseen::Nothing,
            Some("0") => Unseen::Soon,
            Some(_) => Unseen::Now,
        })
    }

    /// What is kept of these records, of those that went for good behind the position: their fields as a JSON object,
    /// and their tenant.
    pub async fn gone(
        &self,
        model: &str,
        records: &[Uuid],
        after: Position,
    ) -> Result<Vec<(Uuid, String, Option<String>)>, Error> {
        let gone = sql::gone(self.engine(), model, records, after);
        let row = |row: Texts| {
            let mut columns = Columns::new(row);
            Ok((columns.read()?, columns.text()?, columns.maybe()))
        };
        self.ask(gone).await?.into_iter().map(row).collect()
    }
}

impl Tx {
    async fn follow(&mut self, rows: &[TriggerRow]) -> Result<(), Error> {
        let engine = self.engine();
        self.texts(sql::unfollow(engine, rows)).await?;
        for row in rows {
            self.texts(sql::follow(engine, row)).await?;
        }
        Ok(())
    }

    /// All up to there is seen to. False where another has moved it since the row was read.
    pub async fn see(&mut self, row: &TriggerRow, to: Position) -> Result<bool, Error> {
        let rows = self.texts(sql::see(self.engine(), row, to)).await?;
        Ok(!rows.is_empty())
    }

    /// In one statement where that is possible.
    pub async fn start_runs(&mut self, runs: Vec<NewRun>) -> Result<(), Error> {
        let at_once = |run: &NewRun| run.slot.is_none();
        let (free, others): (Vec<_>, Vec<_>) = match self.engine() {
            Engine::Postgres => runs.into_iter().partition(at_once),
            Engine::Sqlite => (Vec::new(), runs),
        };
        if !free.is_empty() {
            self.texts(sql::start_all(&free)).await?;
        }
        for run in &others {
            self.start_run(run, None).await?;
        }
        Ok(())
    }
}
