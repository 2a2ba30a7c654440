//! The way to the store: directly, each statement by itself, or through a transaction.

use std::time::Instant;

use store::{Aggregate, Error, Format, Page, Record, Select, Store, Tx, Write, Written};
use uuid::Uuid;

pub(crate) enum Door<'a> {
    Direct {
        store: &'a Store,
        deadline: Option<Instant>,
    },
    Within(&'a mut Tx),
}

impl Door<'_> {
    pub(crate) async fn read(&mut self, select: &Select) -> Result<Option<Record>, Error> {
        match self {
            Self::Direct { store, deadline } => store.read(select, *deadline).await,
            Self::Within(tx) => tx.read(select).await,
        }
    }

    pub(crate) async fn list(&mut self, select: &Select, format: Format) -> Result<Page, Error> {
        match self {
            Self::Direct { store, deadline } => store.list(select, format, *deadline).await,
            Self::Within(tx) => tx.list(select, format).await,
        }
    }

    /// Always exact within a transaction.
    pub(crate) async fn count(&mut self, select: &Select, exact: bool) -> Result<u64, Error> {
        match self {
            Self::Direct { store, deadline } => store.count(select, exact, *deadline).await,
            Self::Within(tx) => tx.count(select).await,
        }
    }

    pub(crate) async fn aggregate(&mut self, aggregate: &Aggregate) -> Result<Page, Error> {
        match self {
            Self::Direct { store, deadline } => store.aggregate(aggregate, *deadline).await,
            Self::Within(tx) => tx.aggregate(aggregate).await,
        }
    }

    pub(crate) async fn write(&mut self, write: &Write) -> Result<Written, Error> {
        match self {
            Self::Direct { store, deadline } => store.write(write, *deadline).await,
            Self::Within(tx) => tx.write(write).await,
        }
    }

    pub(crate) async fn lock(&mut self, select: &Select) -> Result<Vec<(Uuid, i64)>, Error> {
        self.tx()?.lock(select).await
    }

    pub(crate) async fn savepoint(&mut self) -> Result<(), Error> {
        self.tx()?.savepoint().await
    }

    pub(crate) async fn release(&mut self) -> Result<(), Error> {
        self.tx()?.release().await
    }

    pub(crate) async fn undo(&mut self) -> Result<(), Error> {
        self.tx()?.undo().await
    }

    fn tx(&mut self) -> Result<&mut Tx, Error> {
        match self {
            Self::Within(tx) => Ok(tx),
            Self::Direct { .. } => Err(Error::Internal(
                "a lock or savepoint outside of a transaction".to_owned(),
            )),
        }
    }
}
