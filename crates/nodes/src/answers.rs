//! Answers that may be given again, of models that declare for how long.

use std::collections::{BTreeSet, HashMap};
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes, TryGetError};
use cache::{Cache, Change, Looked};
use model::{Model, Models};
use sha2::{Digest as _, Sha256};
use store::{Aggregate, Column, Error, Format, Page, PointRead, Record, Select};
use uuid::Uuid;

use crate::cursor;

/// Models whose kept answers a transaction makes worthless.
pub(crate) type Touched = BTreeSet<String>;

/// What the definitions of the models that declare it say: answers made by others are not theirs.
pub(crate) type Marks = HashMap<String, [u8; 32]>;

pub(crate) fn marks(models: &Models) -> Marks {
    let declaring = models.iter().filter(|model| model.options.cache.is_some());
    let mark = |model: &Arc<Model>| {
        let mut hashing = Hashing(Sha256::new());
        hashing.add(format_args!("{model:?}"));
        (model.name.clone(), hashing.finish())
    };
    declaring.map(mark).collect()
}

#[derive(Clone, Copy)]
pub(crate) struct Answers<'a> {
    pub(crate) cache: Option<&'a Cache>,
    pub(crate) marks: &'a Marks,
}

/// A question whose answer may be kept. Policy is part of its filters and columns, so callers share an answer where it
/// made the same of them.
pub(crate) struct Asked<'a> {
    cache: &'a Cache,
    key: [u8; 32],
    models: Vec<&'a str>,
    time: Duration,
}

impl<'a> Answers<'a> {
    /// Begun before a commit.
    pub(crate) fn change(&self, touched: &Touched) -> Option<Change<'a>> {
        let mut change = self.cache?.change();
        for model in touched {
            change.concerns(model);
        }
        Some(change)
    }

    pub(crate) fn record<'s>(&self, select: &'s Select) -> Option<Asked<'s>>
    where
        'a: 's,
    {
        self.of_select(select, format_args!("read"))
    }

    pub(crate) fn may_keep(&self, read: &PointRead) -> bool {
        self.cache.is_some() && read.model().options.cache.is_some()
    }

    pub(crate) fn list<'s>(&self, select: &'s Select, format: Format) -> Option<Asked<'s>>
    where
        'a: 's,
    {
        self.of_select(select, format_args!("list {format:?}"))
    }

    pub(crate) fn count<'s>(&self, select: &'s Select, exact: bool) -> Option<Asked<'s>>
    where
        'a: 's,
    {
        self.of_select(select, format_args!("count {exact}"))
    }

    pub(crate) fn aggregate<'s>(&self, aggregate: &'s Aggregate) -> Option<Asked<'s>>
    where
        'a: 's,
    {
        let Aggregate {
            model,
            filter,
            group,
            measures,
            order,
            limit,
        } = aggregate;
        self.asked(
            &[model],
            format_args!("aggregate {filter:?} {group:?} {measures:?} {order:?} {limit}"),
        )
    }

    fn of_select<'s>(&self, select: &'s Select, how: fmt::Arguments<'_>) -> Option<Asked<'s>>
    where
        'a: 's,
    {
        if self.cache.is_none() || select.model.options.cache.is_none() {
            return None;
        }
        let mut models = vec![&select.model];
        let mut columns = String::new();
        for column in &select.columns {
            let told = match column {
                Column::Field(field) => write!(columns, "{field:?},"),
                Column::Embed {
                    field,
                    target,
                    fields,
                    filter,
                } => {
                    if !models.iter().any(|model| model.name == target.name) {
                        models.push(target);
                    }
                    let target = &target.name;
                    write!(columns, "{field:?} {target} {fields:?} {filter:?},")
                }
            };
            told.ok()?;
        }
        let Select {
            model,
            columns: _,
            filter,
            order,
            after,
            limit,
            offset,
            search,
        } = select;
        // What is looked through may be less for some callers.
        let searched: Vec<_> = match search {
            Some(_) => model.fields.iter().map(|field| field.search).collect(),
            None => Vec::new(),
        };
        self.asked(
            &models,
            format_args!(
                "{how} {columns} {filter:?} {order:?} {after:?} {limit} {offset} {search:?} {searched:?}"
            ),
        )
    }

    /// Nothing where any of the models declares nothing.
    fn asked<'s>(&self, models: &[&'s Arc<Model>], text: fmt::Arguments<'_>) -> Option<Asked<'s>>
    where
        'a: 's,
    {
        let cache = self.cache?;
        let mut hashing = Hashing(Sha256::new());
        let mut time = Duration::MAX;
        for model in models {
            time = time.min(model.options.cache?);
            hashing.0.update(self.marks.get(&model.name)?);
        }
        hashing.add(text);
        Some(Asked {
            cache,
            key: hashing.finish(),
            models: models.iter().map(|model| model.name.as_str()).collect(),
            time,
        })
    }
}

impl Asked<'_> {
    pub(crate) async fn record(
        self,
        ask: impl Future<Output = Result<Option<Record>, Error>>,
    ) -> Result<Option<Record>, Error> {
        let write = |record: &Option<Record>| record.as_ref().map(write_record).unwrap_or_default();
        self.reuse(read_record, write, ask).await
    }

    pub(crate) async fn page(
        self,
        select: &Select,
        ask: impl Future<Output = Result<Page, Error>>,
    ) -> Result<Page, Error> {
        self.reuse(|kept| read_page(kept, select), write_page, ask)
            .await
    }

    /// A page whose next is only whether there is more.
    pub(crate) async fn groups(
        self,
        ask: impl Future<Output = Result<Page, Error>>,
    ) -> Result<Page, Error> {
        let read = |mut kept: Bytes| {
            Ok(Page {
                rows: kept.try_get_u64()?,
                next: (kept.try_get_u8()? == 1).then(Vec::new),
                body: kept,
            })
        };
        let write = |page: &Page| {
            let mut kept = page.rows.to_be_bytes().to_vec();
            kept.put_u8(u8::from(page.next.is_some()));
            kept.put_slice(&page.body);
            kept
        };
        self.reuse(read, write, ask).await
    }

    pub(crate) async fn count(
        self,
        ask: impl Future<Output = Result<u64, Error>>,
    ) -> Result<u64, Error> {
        let read = |mut kept: Bytes| Ok(kept.try_get_u64()?);
        let write = |count: &u64| count.to_be_bytes().to_vec();
        self.reuse(read, write, ask).await
    }

    async fn reuse<T>(
        self,
        read: impl Fn(Bytes) -> Result<T, Strange>,
        write: impl Fn(&T) -> Vec<u8>,
        ask: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        match self.cache.look(self.key, &self.models).await {
            Looked::Off => ask.await,
            Looked::Found(kept) => match read(kept) {
                Ok(answer) => Ok(answer),
                Err(Strange) => ask.await,
            },
            Looked::Missed(ticket) => {
                let answer = ask.await?;
                self.cache.keep(ticket, &write(&answer), self.time).await;
                Ok(answer)
            }
        }
    }
}

/// What was kept is none of ours.
struct Strange;

impl From<TryGetError> for Strange {
    fn from(_: TryGetError) -> Self {
        Self
    }
}

fn write_record(record: &Record) -> Vec<u8> {
    let mut kept = record.id.as_bytes().to_vec();
    kept.put_i64(record.version);
    kept.put_slice(&record.body);
    kept
}

/// No record is nothing.
fn read_record(mut kept: Bytes) -> Result<Option<Record>, Strange> {
    if kept.is_empty() {
        return Ok(None);
    }
    Ok(Some(Record {
        id: Uuid::from_u128(kept.try_get_u128()?),
        version: kept.try_get_i64()?,
        body: kept,
    }))
}

fn write_page(page: &Page) -> Vec<u8> {
    let next = page.next.as_deref().map(cursor::texts).unwrap_or_default();
    let mut kept = page.rows.to_be_bytes().to_vec();
    kept.put_u64(next.len() as u64);
    kept.put_slice(next.as_bytes());
    kept.put_slice(&page.body);
    kept
}

fn read_page(mut kept: Bytes, select: &Select) -> Result<Page, Strange> {
    let rows = kept.try_get_u64()?;
    let len = usize::try_from(kept.try_get_u64()?).map_err(|_| Strange)?;
    if len > kept.len() {
        return Err(Strange);
    }
    let texts = kept.split_to(len);
    let next = if texts.is_empty() {
        None
    } else {
        let next = cursor::values(&select.model, &select.order, &texts);
        Some(next.ok_or(Strange)?)
    };
    Ok(Page {
        rows,
        next,
        body: kept,
    })
}

struct Hashing(Sha256);

impl Hashing {
    fn add(&mut self, text: fmt::Arguments<'_>) {
        self.write_fmt(text)
            .expect("a hash takes whatever is written");
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

impl fmt::Write for Hashing {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text);
        Ok(())
    }
}
