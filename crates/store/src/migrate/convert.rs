//! How values of one type become values of another: an expression that is null where a value would be lost.

use super::schema::{Column, quote, text_literal};
use crate::Engine;

/// The value of `expr`, a column of `from`, as one of `to`; `None` where no value of the type converts.
pub(super) fn convert(engine: Engine, from: &Column, to: &Column, expr: &str) -> Option<String> {
    let (source, target) = (from.type_name(), to.type_name());
    if from.key == to.key && from.values == to.values && from.refers == to.refers {
        return Some(expr.to_owned());
    }
    let found = match engine {
        Engine::Postgres => postgres(source, target, to, expr),
        Engine::Sqlite => sqlite(source, target, to, expr),
    };
    found.filter(|_| !from.array && !to.array)
}

fn among(values: &[String], expr: &str) -> String {
    let values: Vec<_> = values.iter().map(|value| text_literal(value)).collect();
    if values.is_empty() {
        return "NULL".to_owned();
    }
    format!(
        "CASE WHEN {expr} IN ({}) THEN {expr} END",
        values.join(", ")
    )
}

/// A ref's value where the target is there.
pub(super) fn present(to: &Column, expr: &str) -> Option<String> {
    let target = quote(&to.refers.as_ref()?.table);
    Some(format!(
        "CASE WHEN {expr} IN (SELECT id FROM {target}) THEN {expr} END"
    ))
}

const UUID: &str = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";
/// Dates of the calendar but 29 February, which a pattern cannot tell.
const DATE: &str = "^(?!0000)[0-9]{4}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)$";
/// Up to here every integer is a float, exactly.
const EXACT: &str = "9007199254740992";

fn postgres(source: &str, target: &str, to: &Column, v: &str) -> Option<String> {
    let when =
        |condition: String, value: String| Some(format!("CASE WHEN {condition} THEN {value} END"));
    match (source, target) {
        ("timestamp", "text") => Some(format!(
            "to_char({v} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        )),
        ("enum" | "text", "text") | ("ref", "uuid") => Some(v.to_owned()),
        (
            "int" | "float" | "decimal" | "bool" | "uuid" | "ref" | "date" | "time" | "json",
            "text",
        ) => Some(format!("{v}::text")),
        ("text" | "enum", "enum") => Some(among(&to.values, v)),
        ("uuid" | "ref", "ref") => present(to, v),
        ("int" | "decimal", "decimal") => Some(fits(to, v)),
        ("float", "decimal") => Some(fits(to, &format!("{v}::text::numeric"))),
        ("int", "float") => when(
            format!("{v} BETWEEN -{EXACT} AND {EXACT}"),
            format!("{v}::float8"),
        ),
        ("float", "int") => when(
            format!("{v} = trunc({v}) AND abs({v}) <= {EXACT}"),
            format!("{v}::bigint"),
        ),
        ("decimal", "int") => when(
            format!(
                "{v} = trunc({v}) AND {v} BETWEEN -9223372036854775808 AND 9223372036854775807"
            ),
            format!("{v}::bigint"),
        ),
        ("decimal", "float") => when(
            format!("abs({v}) < 1e15 AND {v}::float8::numeric = {v}"),
            format!("{v}::float8"),
        ),
        ("date", "timestamp") => Some(format!("({v}::timestamp AT TIME ZONE 'UTC')")),
        ("text", "int") => when(format!("{v} ~ '^-?[0-9]{{1,18}}$'"), format!("{v}::bigint")),
        ("text", "decimal") => Some(fits(
            to,
            &format!(
                "CASE WHEN length({v}) < 1000 AND {v} ~ '^-?[0-9]+([.][0-9]+)?$' THEN {v}::numeric END"
            ),
        )),
        ("text", "float") => when(
            format!("{v} ~ '^-?[0-9]{{1,15}}([.][0-9]{{1,15}})?$'"),
            format!("{v}::float8"),
        ),
        ("text", "bool") => Some(format!(
            "CASE {v} WHEN 'true' THEN true WHEN 'false' THEN false END"
        )),
        ("text", "uuid") => when(format!("lower({v}) ~ '{UUID}'"), format!("{v}::uuid")),
        ("text", "date") => when(format!("{v} ~ '{DATE}'"), format!("{v}::date")),
        _ => None,
    }
}

/// A number within the target's precision and scale.
fn fits(to: &Column, v: &str) -> String {
    let number = format!("({v})::numeric");
    let Some((precision, scale)) = to.precision() else {
        return number;
    };
    format!(
        "CASE WHEN round({number}, {scale}) = {number} AND abs({number}) < 1e{} THEN {number} END",
        precision.saturating_sub(scale)
    )
}

#[expect(clippy::too_many_lines, reason = "one table of conversions")]
fn sqlite(source: &str, target: &str, to: &Column, v: &str) -> Option<String> {
    let when =
        |condition: String, value: String| Some(format!("CASE WHEN {condition} THEN {value} END"));
    let digits = |text: &str, most: u32| {
        format!("{text} NOT GLOB '*[^0-9]*' AND length({text}) BETWEEN 1 AND {most}")
    };
    let unsigned = format!("CASE WHEN substr({v}, 1, 1) = '-' THEN substr({v}, 2) ELSE {v} END");
    let plain = format!(
        "({unsigned}) GLOB '[0-9]*' AND ({unsigned}) GLOB '*[0-9]' AND ({unsigned}) NOT GLOB '*[^0-9.]*' \
         AND ({unsigned}) NOT GLOB '*.*.*'"
    );
    let whole =
        format!("rtrim(CASE WHEN instr({v}, '.') > 0 THEN rtrim({v}, '0') ELSE {v} END, '.')");
    match (source, target) {
        ("bool", "text") => Some(format!(
            "CASE {v} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
        )),
        (
            "enum" | "text" | "uuid" | "ref" | "date" | "time" | "timestamp" | "decimal" | "json",
            "text",
        )
        | ("ref", "uuid") => Some(v.to_owned()),
        ("decimal", "decimal") => Some(sqlite_fits(to, v)),
        ("int", "decimal") => Some(sqlite_fits(to, &format!("CAST({v} AS TEXT)"))),
        ("int" | "float", "text") => Some(format!("CAST({v} AS TEXT)")),
        ("text" | "enum", "enum") => Some(among(&to.values, v)),
        ("uuid" | "ref", "ref") => present(to, v),
        ("float", "decimal") => when(
            format!("CAST({v} AS TEXT) NOT LIKE '%e%' AND abs({v}) < 1e15"),
            format!("CAST({v} AS TEXT)"),
        ),
        ("int", "float") => when(
            format!("{v} BETWEEN -{EXACT} AND {EXACT}"),
            format!("CAST({v} AS REAL)"),
        ),
        ("float", "int") => when(
            format!("{v} = CAST({v} AS INTEGER) AND abs({v}) <= {EXACT}"),
            format!("CAST({v} AS INTEGER)"),
        ),
        ("decimal", "int") => when(
            digits(
                &format!(
                    "(CASE WHEN substr({whole}, 1, 1) = '-' THEN substr({whole}, 2) ELSE {whole} END)"
                ),
                18,
            ),
            format!("CAST({whole} AS INTEGER)"),
        ),
        ("decimal", "float") => when(format!("length({v}) <= 15"), format!("CAST({v} AS REAL)")),
        ("date", "timestamp") => Some(format!("{v} || 'T00:00:00.000000Z'")),
        ("text", "int") => when(
            digits(&format!("({unsigned})"), 18),
            format!("CAST({v} AS INTEGER)"),
        ),
        ("text", "decimal") => Some(sqlite_fits(to, &format!("CASE WHEN {plain} THEN {v} END"))),
        ("text", "float") => when(
            format!("{plain} AND length({v}) <= 30"),
            format!("CAST({v} AS REAL)"),
        ),
        ("text", "bool") => Some(format!(
            "CASE {v} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"
        )),
        ("text", "uuid") => {
            let run = |length: usize| "[0-9a-f]".repeat(length);
            let pattern = [run(8), run(4), run(4), run(4), run(12)].join("-");
            when(
                format!("lower({v}) GLOB '{pattern}'"),
                format!("lower({v})"),
            )
        }
        ("text", "date") => when(
            format!("{v} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]' AND date({v}) = {v}"),
            v.to_owned(),
        ),
        _ => None,
    }
}

/// As [`fits`], on the digits themselves: there are no decimals in SQLite to reckon with.
fn sqlite_fits(to: &Column, v: &str) -> String {
    let Some((precision, scale)) = to.precision() else {
        return v.to_owned();
    };
    let number = format!("({v})");
    let point = format!("instr({number} || '.', '.')");
    format!(
        "CASE WHEN length(rtrim(substr({number}, {point} + 1), '0')) <= {scale} \
         AND length(ltrim(substr({number}, 1, {point} - 1), '-0')) <= {} THEN {number} END",
        precision.saturating_sub(scale)
    )
}
