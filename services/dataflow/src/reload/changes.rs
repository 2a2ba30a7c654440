//! How models differ, in the words of a line on a terminal.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use model::{Field, Model, Models};

use super::Reloaded;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelChange {
    New(String),
    Gone(String),
    /// Where no field is named, its rules or options.
    Changed {
        model: String,
        added: Vec<String>,
        removed: Vec<String>,
        changed: Vec<String>,
    },
}

/// In the order of the models after, what is gone last.
pub(super) fn between(before: &Models, after: &Models) -> Vec<ModelChange> {
    let mut changes: Vec<_> = after
        .iter()
        .filter_map(|model| match before.get(&model.name) {
            None => Some(ModelChange::New(model.name.clone())),
            Some(old) if Arc::ptr_eq(old, model) || old == model => None,
            Some(old) => Some(changed(old, model)),
        })
        .collect();
    let gone = before.iter().filter(|old| after.get(&old.name).is_none());
    changes.extend(gone.map(|old| ModelChange::Gone(old.name.clone())));
    changes
}

fn changed(before: &Model, after: &Model) -> ModelChange {
    let names = |fields: &[Field], keep: &dyn Fn(&Field) -> bool| -> Vec<String> {
        let kept = fields.iter().filter(|field| keep(field));
        kept.map(|field| field.name.clone()).collect()
    };
    let old = |field: &Field| before.fields.iter().find(|old| old.name == field.name);
    let now: HashSet<&str> = after.fields.iter().map(|field| &*field.name).collect();
    ModelChange::Changed {
        model: after.name.clone(),
        added: names(&after.fields, &|field| old(field).is_none()),
        removed: names(&before.fields, &|field| !now.contains(&*field.name)),
        changed: names(&after.fields, &|field| {
            old(field).is_some_and(|old| old != field)
        }),
    }
}

impl fmt::Display for ModelChange {
    /// `Film +subtitle -year ~title`, `Review new`, `Review gone`, `Film changed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New(model) => write!(f, "{model} new"),
            Self::Gone(model) => write!(f, "{model} gone"),
            Self::Changed {
                model,
                added,
                removed,
                changed,
            } => {
                f.write_str(model)?;
                for (mark, fields) in [('+', added), ('-', removed), ('~', changed)] {
                    for field in fields {
                        write!(f, " {mark}{field}")?;
                    }
                }
                if added.is_empty() && removed.is_empty() && changed.is_empty() {
                    f.write_str(" changed")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Reloaded {
    /// `Film +subtitle; Review new; workflows; limits; what agents are offered`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<_> = self.changes.iter().map(ToString::to_string).collect();
        parts.extend(self.workflows.then(|| "workflows".to_owned()));
        parts.extend(self.limits.then(|| "limits".to_owned()));
        parts.extend(self.offer.then(|| "what agents are offered".to_owned()));
        if parts.is_empty() {
            parts.push("gantry.yaml".to_owned());
        }
        f.write_str(&parts.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_what_changed() {
        let read = |texts: &[&str]| {
            let sources: Vec<_> = texts
                .iter()
                .enumerate()
                .map(|(at, text)| (format!("{at}.yaml").into(), (*text).to_owned()))
                .collect();
            model::load_models(&sources).unwrap()
        };
        let film = "model: Film\nfields: { title: { type: text }, year: { type: int } }";
        let check = |before: &[&str], after: &[&str], expected: &str| {
            let changes = between(&read(before), &read(after));
            let told: Vec<_> = changes.iter().map(ToString::to_string).collect();
            assert_eq!(told.join("; "), expected);
        };
        check(&[film], &[film], "");
        check(&[], &[film], "Film new");
        check(&[film], &[], "Film gone");
        check(
            &[film],
            &["model: Film\nfields: { title: { type: text, max: 9 }, plot: { type: text } }"],
            "Film +plot -year ~title",
        );
        let open = format!("{film}\naccess: [{{ role: anyone, can: [read] }}]");
        check(&[film], &[&open], "Film changed");
    }
}
