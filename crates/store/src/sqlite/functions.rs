//! What SQLite is taught: comparing decimals, folding case, exact LIKE, arrays, exact sums.

use std::cmp::Ordering;
use std::str::FromStr as _;

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;
use model::{Decimal, Field, Kind, Value};
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result};

pub(crate) fn register(connection: &Connection) -> Result<()> {
    let pure = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_collation("gantry_nocase", |one, two| {
        model::fold(one).cmp(&model::fold(two))
    })?;
    connection.create_collation("gantry_decimal", compare_decimals)?;
    connection.create_scalar_function("gantry_fold", 1, pure, |context| {
        Ok(context
            .get::<Option<String>>(0)?
            .map(|text| model::fold(&text)))
    })?;
    connection.create_scalar_function("gantry_has_word", 2, pure, |context| {
        let (text, word) = (context.get::<Option<String>>(0)?, context.get::<String>(1)?);
        Ok(text.map(|text| model::words(&text).contains(&word)))
    })?;
    for (name, fold) in [("gantry_like", false), ("gantry_ilike", true)] {
        connection.create_scalar_function(name, 2, pure, move |context| {
            let (text, pattern) = (
                context.get::<Option<String>>(0)?,
                context.get::<Option<String>>(1)?,
            );
            Ok(text
                .zip(pattern)
                .map(|(text, pattern)| model::like(&text, &pattern, fold)))
        })?;
    }
    let relations: [(&str, Relation); 3] = [
        ("gantry_contains", |have, want| {
            want.iter().all(|item| has(have, item))
        }),
        ("gantry_contained", |have, want| {
            have.iter().all(|item| has(want, item))
        }),
        ("gantry_overlaps", |have, want| {
            have.iter().any(|item| has(want, item))
        }),
    ];
    for (name, holds) in relations {
        connection.create_scalar_function(name, 3, pure, move |context| arrays(context, holds))?;
    }
    connection.create_aggregate_function("gantry_sum", 1, pure, Sum)
}

type Relation = fn(&[Value], &[Value]) -> bool;

fn has(items: &[Value], item: &Value) -> bool {
    items
        .iter()
        .any(|other| other.compare(item, false) == Some(Ordering::Equal))
}

/// Kind, column, list: both lists as JSON text of the contract.
fn arrays(context: &Context<'_>, holds: Relation) -> Result<Option<bool>> {
    let kind: String = context.get(0)?;
    let list = |at: usize| -> Result<Option<Vec<Value>>> {
        Ok(context
            .get::<Option<String>>(at)?
            .and_then(|text| array(&kind_of(&kind), &text)))
    };
    Ok(list(1)?
        .zip(list(2)?)
        .map(|(have, want)| holds(&have, &want)))
}

/// Enough of a kind to read its values by.
fn kind_of(name: &str) -> Kind {
    match name {
        "int" => Kind::Int,
        "float" => Kind::Float,
        "decimal" => Kind::Decimal {
            precision: None,
            scale: None,
        },
        "bool" => Kind::Bool,
        "uuid" | "ref" => Kind::Uuid,
        "date" => Kind::Date,
        "time" => Kind::Time,
        "timestamp" => Kind::Timestamp,
        "bytes" => Kind::Bytes,
        // Enum values were checked when they were written, and a list of texts reads alike.
        _ => Kind::Text,
    }
}

pub(super) fn array(kind: &Kind, text: &str) -> Option<Vec<Value>> {
    let field = Field {
        array: true,
        ..Field::new("", kind.clone())
    };
    let raw: &serde_json::value::RawValue = serde_json::from_str(text).ok()?;
    match Value::from_json(&field, raw).ok()? {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

/// Numeric; what is no decimal, which the store never writes, sorts as text.
fn compare_decimals(one: &str, two: &str) -> Ordering {
    match (Decimal::from_str(one), Decimal::from_str(two)) {
        (Ok(one), Ok(two)) => one.cmp(&two),
        _ => one.cmp(two),
    }
}

/// The exact sum of ints or decimal texts, as text; null of none.
struct Sum;

impl Aggregate<Option<BigDecimal>, Option<String>> for Sum {
    fn init(&self, _: &mut Context<'_>) -> Result<Option<BigDecimal>> {
        Ok(None)
    }

    fn step(&self, context: &mut Context<'_>, sum: &mut Option<BigDecimal>) -> Result<()> {
        let value = match context.get_raw(0) {
            ValueRef::Null => return Ok(()),
            ValueRef::Integer(int) => BigDecimal::from(BigInt::from(int)),
            other => {
                let text = other
                    .as_str()
                    .map_err(|error| rusqlite::Error::UserFunctionError(error.into()))?;
                BigDecimal::from_str(text)
                    .map_err(|error| rusqlite::Error::UserFunctionError(error.into()))?
            }
        };
        *sum = Some(match sum.take() {
            Some(sum) => sum + value,
            None => value,
        });
        Ok(())
    }

    fn finalize(
        &self,
        _: &mut Context<'_>,
        sum: Option<Option<BigDecimal>>,
    ) -> Result<Option<String>> {
        Ok(sum.flatten().map(|sum| sum.to_plain_string()))
    }
}
