//! The little language of measures: `count`, `count(f)`, `count_distinct(f)`, `sum(f)`, `avg(f)`, `min(f)`, `max(f)`.

use model::{Field, FieldId, Kind, Model};
use store::Measure;

const FUNCTIONS: [&str; 6] = ["count", "count_distinct", "sum", "avg", "min", "max"];

/// The error is for the reader.
pub(crate) fn parse(model: &Model, text: &str) -> Result<Measure, String> {
    let text = text.trim();
    if text == "count" {
        return Ok(Measure::Count);
    }
    let inner = text.split_once('(').and_then(|(function, rest)| {
        let field = rest.strip_suffix(')')?;
        Some((function.trim(), field.trim()))
    });
    let Some((function, name)) = inner else {
        let hint = model::did_you_mean(text, FUNCTIONS);
        return Err(with_hint(
            format!("`{}` is no measure: write count or sum(field)", clip(text)),
            hint,
        ));
    };
    if !FUNCTIONS.contains(&function) {
        let hint = model::did_you_mean(function, FUNCTIONS);
        return Err(with_hint(
            format!("there is no measure `{}`", clip(function)),
            hint,
        ));
    }
    let id = find(model, name)?;
    let field = model.field(id);
    let refuse = |fits: bool| {
        if fits {
            Ok(())
        } else {
            Err(format!(
                "`{function}` cannot be taken of `{name}`, which is {}",
                field.kind_name()
            ))
        }
    };
    Ok(match function {
        "count" => Measure::CountOf(id),
        "count_distinct" => {
            refuse(is_groupable(field))?;
            Measure::CountDistinct(id)
        }
        "sum" | "avg" => {
            refuse(is_number(field))?;
            if function == "sum" {
                Measure::Sum(id)
            } else {
                Measure::Avg(id)
            }
        }
        _ => {
            refuse(has_extremes(field))?;
            if function == "min" {
                Measure::Min(id)
            } else {
                Measure::Max(id)
            }
        }
    })
}

/// Whether equal values of the field can be told.
pub(crate) fn is_groupable(field: &Field) -> bool {
    !field.array && field.kind.is_ordered()
}

/// Whether values of the field can be added.
pub(crate) fn is_number(field: &Field) -> bool {
    !field.array && matches!(field.kind, Kind::Int | Kind::Float | Kind::Decimal { .. })
}

/// PostgreSQL 15 has no least uuid, bytea or boolean.
pub(crate) fn has_extremes(field: &Field) -> bool {
    let none = matches!(
        field.kind,
        Kind::Bool | Kind::Uuid | Kind::Ref { .. } | Kind::Bytes
    );
    is_groupable(field) && !none
}

pub(crate) fn find(model: &Model, name: &str) -> Result<FieldId, String> {
    model.find(name).ok_or_else(|| {
        let names = model.fields.iter().map(|field| field.name.as_str());
        let hint = model::did_you_mean(name, names);
        with_hint(
            format!("{} has no field `{}`", model.name, clip(name)),
            hint,
        )
    })
}

fn with_hint(detail: String, hint: Option<String>) -> String {
    match hint {
        Some(hint) => format!("{detail}; {hint}"),
        None => detail,
    }
}

fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}
