//! What became of runs, in the order of its moments.

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::Store;
use crate::run::{Columns, Texts, garbled, run_row};
use crate::sql::run as sql;
use crate::{Error, RunChange, RunChanges, RunFilter, RunPlace, RunRow};

/// The kind of those that are told as they are now, whenever that began.
const GOES_ON: &str = "goes_on";

/// One piece of news.
struct News {
    kind: String,
    place: RunPlace,
    workflow: String,
    /// Of a step that emits.
    output: Option<Box<serde_json::value::RawValue>>,
}

impl Store {
    /// Of the filter's runs, by `limit` of each kind of news.
    pub async fn changed_runs(
        &self,
        filter: &RunFilter,
        after: &RunPlace,
    ) -> Result<RunChanges, Error> {
        let rows = self.ask(sql::changed(self.engine(), filter, after)).await?;
        let news = rows.into_iter().map(news).collect::<Result<Vec<_>, _>>()?;
        let (mut on, mut news): (Vec<_>, Vec<_>) =
            news.into_iter().partition(|news| news.kind == GOES_ON);
        for news in [&mut on, &mut news] {
            news.sort_by(|one, other| one.place.cmp(&other.place));
        }
        let end = end(&news, filter.limit);
        if let Some(end) = &end {
            news.retain(|news| news.place <= *end);
            // They are looked for when there is nothing else.
            on.clear();
        }
        let last = news.last().map(|news| news.place.clone());
        news.append(&mut on);
        Ok(RunChanges {
            changes: self.told(news).await?,
            last,
            more: end.is_some(),
        })
    }

    /// Each run once, at the last of its news.
    async fn told(&self, news: Vec<News>) -> Result<Vec<(Option<Timestamp>, RunChange)>, Error> {
        let of_runs = news.iter().filter(|news| news.output.is_none());
        let mut ids: Vec<Uuid> = of_runs.map(|news| news.place.run).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut runs: HashMap<Uuid, RunRow> = HashMap::new();
        if !ids.is_empty() {
            for row in self.ask(sql::find_all(self.engine(), &ids)).await? {
                let row = run_row(row)?;
                runs.insert(row.run.id, row);
            }
        }
        let mut told = Vec::with_capacity(news.len());
        for news in news.into_iter().rev() {
            let at = (news.kind != GOES_ON).then_some(news.place.at);
            let RunPlace { run, path, .. } = news.place;
            let change = if let Some(output) = news.output {
                Some(RunChange::Emitted {
                    run,
                    workflow: news.workflow,
                    path,
                    output,
                })
            } else {
                let row = runs.remove(&run).map(Box::new);
                row.map(RunChange::Run)
            };
            told.extend(change.map(|change| (at, change)));
        }
        told.reverse();
        Ok(told)
    }
}

/// Up to where news of all kinds are known, where there are more of a kind.
fn end(news: &[News], limit: u64) -> Option<RunPlace> {
    let mut kinds: HashMap<&str, (u64, &RunPlace)> = HashMap::new();
    for news in news {
        let (count, last) = kinds.entry(&news.kind).or_insert((0, &news.place));
        (*count, *last) = (*count + 1, &news.place);
    }
    let full = kinds.into_values().filter(|(count, _)| *count >= limit);
    full.map(|(_, last)| last).min().cloned()
}

/// Of the columns of [`sql::changed`].
fn news(row: Texts) -> Result<News, Error> {
    let mut columns = Columns::new(row);
    let (kind, at) = (columns.text()?, columns.maybe());
    let run = columns.read()?;
    let at = match at {
        Some(at) => at.parse().map_err(|_| garbled())?,
        None => sql::began_at(run).unwrap_or_default(),
    };
    let (path, workflow, output) = (columns.text()?, columns.text()?, columns.json()?);
    Ok(News {
        kind,
        place: RunPlace { at, run, path },
        workflow,
        output,
    })
}
