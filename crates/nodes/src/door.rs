//! The way to the store: directly, each statement by itself, or through a transaction.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use store::{
    Aggregate, Chunks, Error, Format, NewRun, NewStep, Pace, Page, PointRead, Record, Select,
    SessionName, SessionRow, Store, Tx, Write, Written,
};
use uuid::Uuid;

use crate::answers::{Answers, Touched};
use crate::context::Context;
use crate::run::handing::Place;

pub(crate) enum Door<'a> {
    Direct {
        store: &'a Store,
        answers: Answers<'a>,
        deadline: Option<Instant>,
        /// That the one write of the call is.
        step: Option<&'a NewStep>,
        /// Of the run that begins.
        place: Option<&'a Place<'a>>,
    },
    Within {
        tx: &'a mut Tx,
        changed: Changed,
    },
}

/// How many records were changed, by refs too; what was undone is not counted.
#[derive(Default)]
pub(crate) struct Changed {
    records: u64,
    /// As it was at each open savepoint.
    before: Vec<u64>,
    touched: Touched,
}

impl<'a> Door<'a> {
    pub(crate) fn direct(cx: &Context<'a>, deadline: Option<Instant>) -> Self {
        Self::Direct {
            store: cx.store,
            answers: cx.answers,
            deadline,
            step: None,
            place: None,
        }
    }

    pub(crate) fn within(tx: &'a mut Tx) -> Self {
        let changed = Changed::default();
        Self::Within { tx, changed }
    }

    /// Nothing is counted outside of a transaction.
    pub(crate) fn changed(&self) -> u64 {
        match self {
            Self::Direct { .. } => 0,
            Self::Within { changed, .. } => changed.records,
        }
    }

    /// The models that were written to, of those whose answers may be kept.
    pub(crate) fn touched(self) -> Touched {
        match self {
            Self::Direct { .. } => Touched::new(),
            Self::Within { changed, .. } => changed.touched,
        }
    }

    /// Not within a transaction, which sees what it wrote.
    pub(crate) fn is_direct(&self) -> bool {
        matches!(self, Self::Direct { .. })
    }

    /// Something is written to that answers are made of, beside models.
    pub(crate) fn touch(&mut self, what: Touched) {
        if let Self::Within { changed, .. } = self {
            changed.touched.extend(what);
        }
    }

    /// What a write decides by: never a kept answer.
    pub(crate) async fn look(&mut self, select: &Select) -> Result<Option<Record>, Error> {
        match self {
            Self::Direct {
                store, deadline, ..
            } => store.read(select, *deadline).await,
            Self::Within { tx, .. } => tx.read(select).await,
        }
    }

    pub(crate) async fn read(&mut self, select: &Select) -> Result<Option<Record>, Error> {
        match self {
            Self::Direct {
                store,
                answers,
                deadline,
                ..
            } => {
                let ask = store.read(select, *deadline);
                match answers.record(select) {
                    None => ask.await,
                    Some(asked) => Box::pin(asked.record(ask)).await,
                }
            }
            Self::Within { tx, .. } => tx.read(select).await,
        }
    }

    pub(crate) async fn point_read(
        &mut self,
        read: &Arc<PointRead>,
        id: Uuid,
    ) -> Result<Option<Record>, Error> {
        match self {
            Self::Direct {
                store,
                answers,
                deadline,
                ..
            } => {
                let ask = store.point_read(read, id, *deadline);
                let select = answers.may_keep(read).then(|| read.select(id));
                match select.as_ref().and_then(|select| answers.record(select)) {
                    None => ask.await,
                    Some(asked) => Box::pin(asked.record(ask)).await,
                }
            }
            Self::Within { tx, .. } => tx.read(&read.select(id)).await,
        }
    }

    pub(crate) async fn list(&mut self, select: &Select, format: Format) -> Result<Page, Error> {
        match self {
            Self::Direct {
                store,
                answers,
                deadline,
                ..
            } => {
                let ask = store.list(select, format, *deadline);
                match answers.list(select, format) {
                    None => ask.await,
                    Some(asked) => Box::pin(asked.page(select, ask)).await,
                }
            }
            Self::Within { tx, .. } => tx.list(select, format).await,
        }
    }

    /// Not within a transaction, which ends before a stream does.
    pub(crate) async fn stream(
        &mut self,
        select: &Select,
        format: Format,
        pace: Pace,
    ) -> Result<Chunks, Error> {
        match self {
            Self::Direct {
                store, deadline, ..
            } => store.stream(select, format, pace, *deadline).await,
            Self::Within { .. } => Err(Error::Internal("a stream within a transaction".to_owned())),
        }
    }

    /// Always exact within a transaction.
    pub(crate) async fn count(&mut self, select: &Select, exact: bool) -> Result<u64, Error> {
        match self {
            Self::Direct {
                store,
                answers,
                deadline,
                ..
            } => {
                let ask = store.count(select, exact, *deadline);
                match answers.count(select, exact) {
                    None => ask.await,
                    Some(asked) => Box::pin(asked.count(ask)).await,
                }
            }
            Self::Within { tx, .. } => tx.count(select).await,
        }
    }

    pub(crate) async fn aggregate(&mut self, aggregate: &Aggregate) -> Result<Page, Error> {
        match self {
            Self::Direct {
                store,
                answers,
                deadline,
                ..
            } => {
                let ask = store.aggregate(aggregate, *deadline);
                match answers.aggregate(aggregate) {
                    None => ask.await,
                    Some(asked) => Box::pin(asked.groups(ask)).await,
                }
            }
            Self::Within { tx, .. } => tx.aggregate(aggregate).await,
        }
    }

    pub(crate) async fn write(&mut self, write: Write) -> Result<Written, Error> {
        match self {
            Self::Direct {
                store,
                answers,
                deadline,
                step,
                ..
            } => {
                let change = touched_by(&write).and_then(|touched| answers.change(&touched));
                let written = match step {
                    None => store.write(write, *deadline).await,
                    Some(step) => store.write_step(&write, step, *deadline).await,
                };
                match (change, &written) {
                    (None, _) => {}
                    (Some(change), Err(Error::Violation(_) | Error::LeaseLost)) => change.undone(),
                    // What failed otherwise may be there all the same.
                    (Some(change), _) => drop(Box::pin(change.done()).await),
                }
                written
            }
            Self::Within { tx, changed } => {
                changed
                    .touched
                    .extend(touched_by(&write).into_iter().flatten());
                let written = tx.write(&write).await?;
                changed.records += written.rows.iter().flatten().count() as u64;
                Ok(written)
            }
        }
    }

    /// Under which a run begins that whoever waits for runs gets.
    pub(crate) fn lease(&self) -> Option<Uuid> {
        match self {
            Self::Direct { place, .. } => place.map(|place| place.lease),
            Self::Within { .. } => None,
        }
    }

    /// `parent` is the run whose step starts it.
    pub(crate) async fn start_run(
        &mut self,
        run: &NewRun,
        parent: Option<Uuid>,
    ) -> Result<(), Error> {
        match self {
            Self::Direct { store, place, .. } => {
                store.start_run(run).await?;
                if let Some(place) = place {
                    place.hand(run);
                }
                Ok(())
            }
            Self::Within { tx, .. } => tx.start_run(run, parent).await,
        }
    }

    pub(crate) async fn find_session(
        &mut self,
        name: &SessionName,
        now: Timestamp,
    ) -> Result<Option<SessionRow>, Error> {
        match self {
            Self::Direct { store, .. } => store.find_session(name, now).await,
            Self::Within { tx, .. } => tx.find_session(name, now, false).await,
        }
    }

    pub(crate) async fn extend_session(
        &mut self,
        name: &SessionName,
        until: Timestamp,
    ) -> Result<(), Error> {
        match self {
            Self::Direct { store, .. } => store.extend_session(name, until).await,
            Self::Within { tx, .. } => tx.extend_session(name, until).await,
        }
    }

    /// A write that leaves nothing where it fails, so that the transaction can go on.
    pub(crate) async fn write_whole(&mut self, write: Write) -> Result<Written, Error> {
        if let Self::Direct { .. } = self {
            return self.write(write).await;
        }
        self.savepoint().await?;
        let written = self.write(write).await;
        match &written {
            Ok(_) => self.release().await?,
            Err(Error::Violation(_)) => self.undo().await?,
            Err(_) => {}
        }
        written
    }

    pub(crate) async fn lock(&mut self, select: &Select) -> Result<Vec<(Uuid, i64)>, Error> {
        self.tx()?.lock(select).await
    }

    pub(crate) async fn savepoint(&mut self) -> Result<(), Error> {
        self.tx()?.savepoint().await?;
        if let Self::Within { changed, .. } = self {
            changed.before.push(changed.records);
        }
        Ok(())
    }

    pub(crate) async fn release(&mut self) -> Result<(), Error> {
        self.tx()?.release().await?;
        if let Self::Within { changed, .. } = self {
            changed.before.pop();
        }
        Ok(())
    }

    pub(crate) async fn undo(&mut self) -> Result<(), Error> {
        self.tx()?.undo().await?;
        if let Self::Within { changed, .. } = self {
            changed.records = changed.before.pop().unwrap_or_default();
        }
        Ok(())
    }

    pub(crate) fn tx(&mut self) -> Result<&mut Tx, Error> {
        match self {
            Self::Within { tx, .. } => Ok(tx),
            Self::Direct { .. } => Err(Error::Internal(
                "a lock or savepoint outside of a transaction".to_owned(),
            )),
        }
    }
}

fn touched_by(write: &Write) -> Option<Touched> {
    let model = write.model();
    model.options.cache?;
    Some(Touched::from([model.name.clone()]))
}
