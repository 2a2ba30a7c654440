//! Seed files into records: mapped by their declarations, refs found or made, written in batches.

mod storing;

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use model::{Mistake, Model, Project, Seed, SeedRecord, Value, Wanted};
use serde_json::json;
use uuid::Uuid;
use wire::{Caller, Calls, Problem};

use storing::{Draft, Outcome};

/// How many records are written in one transaction.
const BATCH: usize = 500;

/// The nodes that are called, and as whom.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    pub calls: &'a dyn Calls,
    pub caller: &'a Caller,
}

/// Told of each seed by its name: how many of its records are done, and of how many.
pub type Told<'a> = &'a mut (dyn FnMut(&str, usize, usize) + Send);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no seed `{name}`")]
    NoSuchSeed { name: String, hint: Option<String> },
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The seeds' files have them.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n"))]
    Mistakes(Vec<Mistake>),
    #[error("{0}")]
    Problem(#[from] Problem),
}

/// What became of every row.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order in which the models were first written to.
    pub models: Vec<(String, Counts)>,
    pub failed: Vec<FailedRow>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub created: usize,
    pub updated: usize,
    pub unchanged: usize,
    pub failed: usize,
}

#[derive(Debug)]
pub struct FailedRow {
    /// Relative to the project's folder.
    pub file: PathBuf,
    pub line: usize,
    pub detail: String,
}

/// Loads the named seeds, or all. Nothing is written where a file has a mistake.
pub async fn load(
    target: Target<'_>,
    project: &Project,
    names: &[String],
    told: Told<'_>,
) -> Result<Report, Error> {
    let mut read: Vec<(&Seed, Vec<SeedRecord>)> = Vec::new();
    let mut mistakes: Vec<Mistake> = Vec::new();
    for seed in chosen(project, names)? {
        let path = project.root.join(&seed.file);
        let text = fs::read_to_string(&path);
        let text = text.map_err(|source| Error::Unreadable { path, source })?;
        match seed.records(&text) {
            Ok(records) => read.push((seed, records)),
            Err(found) => mistakes.extend(found),
        }
    }
    if !mistakes.is_empty() {
        return Err(Error::Mistakes(mistakes));
    }
    let mut loading = Loading {
        target,
        report: Report::default(),
        targets: HashMap::new(),
    };
    for (seed, records) in read {
        let mut done = 0;
        told(&seed.name, done, records.len());
        for batch in records.chunks(BATCH) {
            loading.batch(seed, batch).await?;
            done += batch.len();
            told(&seed.name, done, records.len());
        }
    }
    Ok(loading.report)
}

fn chosen<'a>(project: &'a Project, names: &[String]) -> Result<Vec<&'a Seed>, Error> {
    for name in names {
        if project.seeds.iter().any(|seed| seed.name == *name) {
            continue;
        }
        let known = project.seeds.iter().map(|seed| seed.name.as_str());
        return Err(Error::NoSuchSeed {
            hint: model::did_you_mean(name, known),
            name: name.clone(),
        });
    }
    let wanted = |seed: &&Seed| names.is_empty() || names.contains(&seed.name);
    Ok(project.seeds.iter().filter(wanted).collect())
}

struct Loading<'a> {
    target: Target<'a>,
    report: Report,
    /// Targets of refs that were found or made: by model, field and the value's text.
    targets: HashMap<(String, String, String), Uuid>,
}

impl Loading<'_> {
    async fn batch(&mut self, seed: &Seed, records: &[SeedRecord]) -> Result<(), Problem> {
        let wanted: Vec<&Wanted> = records.iter().flat_map(|record| &record.lookups).collect();
        let refused = self.resolve(&wanted).await?;
        let mut drafts = Vec::with_capacity(records.len());
        for record in records {
            match self.draft(record) {
                Ok(draft) => drafts.push(draft),
                Err(wanted) => {
                    let by = &wanted.target.field(wanted.by).name;
                    let detail = refused.get(&wanted.id).cloned().unwrap_or_else(|| {
                        let name = &wanted.target.name;
                        format!("there is no {name} whose {by} is {}", text(&wanted.value))
                    });
                    self.fail(seed, record.line, detail);
                }
            }
        }
        let outcomes = storing::store(self.target, &seed.model, &drafts).await?;
        for (draft, outcome) in drafts.iter().zip(outcomes) {
            match outcome {
                Outcome::Failed(detail) => self.fail(seed, draft.line, detail),
                other => self.report.count(&seed.model.name, &other),
            }
        }
        Ok(())
    }

    fn fail(&mut self, seed: &Seed, line: usize, detail: String) {
        let file = seed.file.clone();
        self.report.failed.push(FailedRow { file, line, detail });
        self.report.of(&seed.model.name).failed += 1;
    }

    /// The record with its refs in place, or the first target that is not there.
    fn draft<'w>(&self, record: &'w SeedRecord) -> Result<Draft, &'w Wanted> {
        let mut fields = record.fields.clone();
        for wanted in &record.lookups {
            let id = self.targets.get(&key(wanted)).ok_or(wanted)?;
            fields.push((wanted.field, Value::Uuid(*id)));
        }
        Ok(Draft {
            line: record.line,
            id: record.id,
            fields,
        })
    }

    /// Finds the targets that no earlier batch found, and makes those that may be made. Returns why some were not.
    async fn resolve(&mut self, wanted: &[&Wanted]) -> Result<HashMap<Uuid, String>, Problem> {
        let mut groups: Vec<(&Wanted, Vec<&Wanted>)> = Vec::new();
        for wanted in wanted
            .iter()
            .filter(|wanted| !self.targets.contains_key(&key(wanted)))
        {
            let same =
                |first: &Wanted| first.target.name == wanted.target.name && first.by == wanted.by;
            match groups.iter_mut().find(|(first, _)| same(first)) {
                Some((_, group)) if group.iter().any(|other| other.id == wanted.id) => {}
                Some((_, group)) => group.push(wanted),
                None => groups.push((wanted, vec![wanted])),
            }
        }
        let mut refused = HashMap::new();
        for (first, group) in groups {
            let values: Vec<&Value> = group.iter().map(|wanted| &wanted.value).collect();
            let found = storing::find(self.target, &first.target, first.by, &values).await?;
            let mut missing = Vec::new();
            for wanted in group {
                match found.get(&key(wanted).2) {
                    Some(id) => _ = self.targets.insert(key(wanted), *id),
                    None if wanted.create => missing.push(wanted),
                    None => {}
                }
            }
            self.make(&first.target, &missing, &mut refused).await?;
        }
        Ok(refused)
    }

    async fn make(
        &mut self,
        target: &Model,
        missing: &[&Wanted],
        refused: &mut HashMap<Uuid, String>,
    ) -> Result<(), Problem> {
        let drafts: Vec<Draft> = missing
            .iter()
            .map(|wanted| Draft {
                line: 0,
                id: wanted.id,
                fields: vec![(wanted.by, wanted.value.clone())],
            })
            .collect();
        let outcomes = storing::store(self.target, target, &drafts).await?;
        for (wanted, outcome) in missing.iter().zip(outcomes) {
            if let Outcome::Failed(detail) = outcome {
                let what = text(&wanted.value);
                refused.insert(wanted.id, format!("{} {what}: {detail}", target.name));
                continue;
            }
            self.report.count(&target.name, &outcome);
            self.targets.insert(key(wanted), wanted.id);
        }
        Ok(())
    }
}

fn key(wanted: &Wanted) -> (String, String, String) {
    let field = wanted.target.field(wanted.by);
    let text = storing::lookup_text(field, &wanted.value);
    (wanted.target.name.clone(), field.name.clone(), text)
}

fn text(value: &Value) -> String {
    let mut out = Vec::new();
    value.write_json(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

impl Report {
    fn of(&mut self, model: &str) -> &mut Counts {
        let index = self.models.iter().position(|(name, _)| name == model);
        let index = index.unwrap_or_else(|| {
            self.models.push((model.to_owned(), Counts::default()));
            self.models.len() - 1
        });
        &mut self.models[index].1
    }

    fn count(&mut self, model: &str, outcome: &Outcome) {
        let counts = self.of(model);
        match outcome {
            Outcome::Created => counts.created += 1,
            Outcome::Updated => counts.updated += 1,
            Outcome::Unchanged => counts.unchanged += 1,
            Outcome::Failed(_) => counts.failed += 1,
        }
    }

    pub fn to_json(&self) -> serde_json::Value {
        let models = self.models.iter().map(|(name, counts)| {
            json!({
                "model": name,
                "created": counts.created,
                "updated": counts.updated,
                "unchanged": counts.unchanged,
                "failed": counts.failed,
            })
        });
        let failed = self.failed.iter().map(|row| {
            json!({"file": row.file.to_string_lossy(), "line": row.line, "detail": row.detail})
        });
        json!({
            "models": models.collect::<Vec<_>>(),
            "failed": failed.collect::<Vec<_>>(),
        })
    }
}
