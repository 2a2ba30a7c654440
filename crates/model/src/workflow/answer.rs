//! What is known of a value before there is one: which members it has.

use std::rc::Rc;
use std::sync::Arc;

use crate::read::Known;
use crate::{Field, Kind, Model, Models, Selected, Selection, did_you_mean};

#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// Nothing is known, so everything may be asked of it.
    Any,
    Record(Arc<Model>),
    List(Box<Answer>),
    /// These members and no others.
    Object(Rc<[(String, Answer)]>),
    /// `a date`; it has no members.
    Scalar(&'static str),
}

/// What is wrong, and what to do.
pub(super) type Wrong = (String, Option<String>);

impl Answer {
    pub(super) fn object<const N: usize>(members: [(&str, Self); N]) -> Self {
        let members = members.into_iter();
        Self::Object(
            members
                .map(|(name, answer)| (name.to_owned(), answer))
                .collect(),
        )
    }

    pub(super) fn list(self) -> Self {
        Self::List(Box::new(self))
    }

    pub(super) fn of_field(field: &Field) -> Self {
        let one = match &field.kind {
            Kind::Json => Self::Any,
            Kind::Vector { .. } => Self::Scalar("number").list(),
            kind => Self::Scalar(kind.name()),
        };
        if field.array { one.list() } else { one }
    }

    pub(super) fn of_fields(fields: &[Field]) -> Self {
        let named = fields
            .iter()
            .map(|field| (field.name.clone(), Self::of_field(field)));
        Self::Object(named.collect())
    }

    /// A record of which only these fields are answered.
    pub(super) fn selected(
        models: &Models,
        model: &Arc<Model>,
        select: Option<&serde_json::Value>,
    ) -> Self {
        let Some(select) = select.filter(|select| !select.is_null()) else {
            return Self::Record(Arc::clone(model));
        };
        let items = select.as_array().into_iter().flatten();
        let items: Vec<_> = items.filter_map(serde_json::Value::as_str).collect();
        let Ok(Selection(selected)) = Selection::parse(models, model, &items.join(",")) else {
            return Self::Any;
        };
        let members = selected.into_iter().map(|one| {
            let field = model.field(one.field());
            let answer = match one {
                Selected::Field(_) => Self::of_field(field),
                Selected::Embed { target, fields, .. } => {
                    let named = |id| {
                        (
                            target.field(id).name.clone(),
                            Self::of_field(target.field(id)),
                        )
                    };
                    Self::Object(fields.into_iter().map(named).collect())
                }
            };
            (field.name.clone(), answer)
        });
        Self::Object(members.collect())
    }

    /// What is under that name; `path` is how the value itself was written.
    pub(super) fn member(&self, path: &str, name: &str, known: &Known) -> Result<Self, Wrong> {
        match self {
            Self::Any => Ok(Self::Any),
            Self::Record(model) => {
                let field = model.find(name).map(|id| Self::of_field(model.field(id)));
                field.ok_or_else(|| {
                    let names = model.fields.iter().map(|field| field.name.as_str());
                    let whose = known.told(&model.name);
                    (
                        format!("`{path}` is a {whose}, which has no field `{name}`"),
                        did_you_mean(name, names),
                    )
                })
            }
            Self::Object(members) => {
                if let Some((_, answer)) = members.iter().find(|(member, _)| member == name) {
                    return Ok(answer.clone());
                }
                let names = || members.iter().map(|(name, _)| name.as_str());
                let all = || format!("it has {}", names().collect::<Vec<_>>().join(", "));
                let hint = did_you_mean(name, names()).or_else(|| (!members.is_empty()).then(all));
                Err((format!("`{path}` has no `{name}`"), hint))
            }
            Self::List(_) => {
                let hint = format!(
                    "write {path}[0].{name} for its first, or go through it with a step `each`"
                );
                Err((
                    format!("`{path}` is a list, which has no `{name}`"),
                    Some(hint),
                ))
            }
            Self::Scalar(kind) => Err((
                format!("`{path}` is {}, which has no `{name}`", article(kind)),
                None,
            )),
        }
    }

    /// One of a list.
    pub(super) fn item(&self) -> Self {
        match self {
            Self::List(item) => (**item).clone(),
            _ => Self::Any,
        }
    }
}

fn article(kind: &str) -> String {
    match kind {
        "json" | "bytes" | "null" | "text" => kind.to_owned(),
        _ if kind.starts_with(['a', 'e', 'i', 'o']) => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}
