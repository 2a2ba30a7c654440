//! Reads: lists by keyset, counts, locks.

use model::{Model, Order, Value};

use super::{Statement, Writer};
use crate::{Column, Engine, Select};

/// What stands behind a record's columns (embeds with a leading "is there one").
#[derive(Clone, Copy, PartialEq, Eq)]
enum Behind {
    /// `id` and `_version`.
    Itself,
    /// What of the order's fields is not among the columns: see [`key_places`].
    Keys,
}

/// Single records, with `id` and `_version` behind their columns.
pub(crate) fn select(engine: Engine, select: &Select) -> Statement {
    ranged(engine, select, Behind::Itself)
}

/// Lists: no cell is sent twice.
pub(crate) fn list(engine: Engine, select: &Select) -> Statement {
    ranged(engine, select, Behind::Keys)
}

/// Where the order's values stand in a row of a [`list`].
pub(crate) fn key_places(select: &Select) -> Vec<usize> {
    let width = |column: &Column| match column {
        Column::Field(_) => 1,
        Column::Embed { fields, .. } => 1 + fields.len(),
    };
    let mut end: usize = select.columns.iter().map(width).sum();
    let place = |key: &Order| {
        let mut at = 0;
        for column in &select.columns {
            if matches!(column, Column::Field(field) if *field == key.field) {
                return at;
            }
            at += width(column);
        }
        end += 1;
        end - 1
    };
    select.order.iter().map(place).collect()
}

fn ranged(engine: Engine, select: &Select, behind: Behind) -> Statement {
    let mut writer = Writer::new(engine);
    let ranges = ranges(engine, select);
    if ranges.len() == 1 {
        one_range(&mut writer, select, &ranges[0], behind, true);
    } else {
        // Each range is an index range in the page's own order, and they follow each other in it.
        writer.sql("SELECT * FROM (");
        for (index, range) in ranges.iter().enumerate() {
            if index > 0 {
                writer.sql(" UNION ALL ");
            }
            writer.sql("SELECT * FROM (");
            one_range(&mut writer, select, range, behind, false);
            writer.sql(") r").number(index as u64);
        }
        writer.sql(") pages LIMIT ").number(select.limit + 1);
        if select.offset > 0 {
            writer.sql(" OFFSET ").number(select.offset);
        }
    }
    writer.finish()
}

/// How many records there are.
pub(crate) fn count(engine: Engine, select: &Select) -> Statement {
    let mut writer = Writer::new(engine);
    writer
        .sql("SELECT count(*) FROM ")
        .name(&select.model.path)
        .sql(" t WHERE ");
    conditions(&mut writer, select);
    writer.finish()
}

/// The planner's guess, as JSON.
pub(crate) fn estimate(select: &Select) -> Statement {
    let mut writer = Writer::new(Engine::Postgres);
    writer
        .sql("EXPLAIN (FORMAT JSON) SELECT 1 FROM ")
        .name(&select.model.path)
        .sql(" t WHERE ");
    conditions(&mut writer, select);
    writer.finish()
}

/// `id` and `_version`, locked until the transaction ends.
pub(crate) fn lock(engine: Engine, select: &Select) -> Statement {
    let mut writer = Writer::new(engine);
    writer
        .sql("SELECT t.id, t._version FROM ")
        .name(&select.model.path)
        .sql(" t WHERE ");
    conditions(&mut writer, select);
    writer.sql(" ORDER BY t.id LIMIT ").number(select.limit);
    if engine == Engine::Postgres {
        writer.sql(" FOR UPDATE");
    }
    writer.finish()
}

fn conditions(writer: &mut Writer, select: &Select) {
    writer.filter("t", &select.model, &select.filter);
    let Some(search) = &select.search else { return };
    let fields: Vec<_> = select
        .model
        .fields
        .iter()
        .filter(|field| field.search)
        .collect();
    for word in model::words(&search.text) {
        writer.sql(" AND (");
        if fields.is_empty() {
            writer.sql("FALSE");
        }
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                writer.sql(" OR ");
            }
            let word = Value::Text(word.clone());
            match writer.engine {
                // What the index of the field holds, letter for letter: only so it is used.
                Engine::Postgres => writer
                    .sql("gantry_words(")
                    .column("t", field)
                    .sql(") @> ARRAY[")
                    .arg(word, super::Scalar::Text, false)
                    .sql("]"),
                Engine::Sqlite => writer
                    .sql("gantry_has_word(")
                    .column("t", field)
                    .sql(", ")
                    .arg(word, super::Scalar::Text, false)
                    .sql(")"),
            };
        }
        writer.sql(")");
    }
}

/// A part of what comes after the last page's last record: equal in the order's first fields, beyond in the next.
struct Range<'a> {
    equal: Vec<(&'a Order, &'a Value)>,
    beyond: Option<Beyond<'a>>,
}

enum Beyond<'a> {
    /// After the value, nulls aside.
    Value(&'a Order, &'a Value),
    /// Any value, where null came first.
    NotNull(&'a Order),
    /// Null, where it comes last.
    Null(&'a Order),
    /// All keys at once, where they point one way and none but the first may be null: `(a, b) > (1, 2)`.
    Row(&'a [Order], &'a [Value]),
}

/// Whether the key wants nulls on the other end than an index has them.
fn turns_nulls(engine: Engine, model: &Model, key: Order) -> bool {
    let natural = key.descending == (engine == Engine::Postgres);
    !model.field(key.field).required && key.nulls_first != natural
}

/// Whether what comes after the values is one range of an index, nulls of the first key aside.
fn is_one_row(model: &Model, order: &[Order], after: &[Value]) -> bool {
    let uniform = order.iter().enumerate().all(|(at, key)| {
        let field = model.field(key.field);
        let known =
            field.required || (at == 0 && after.first().is_some_and(|value| !value.is_null()));
        known && !field.nocase && key.descending == order[0].descending
    });
    uniform && !order.is_empty() && order.len() == after.len()
}

/// Disjoint, in the page's order. Where nulls are wanted on the other end than an index has them, they are a range of
/// their own from the first page on, since no index leads through both at once.
fn ranges(engine: Engine, select: &Select) -> Vec<Range<'_>> {
    let model = &select.model;
    let order = select.order.as_slice();
    let Some(after) = &select.after else {
        let range = |beyond| Range {
            equal: Vec::new(),
            beyond,
        };
        return match order.first() {
            Some(key) if turns_nulls(engine, model, *key) => {
                let (null, others) = (Some(Beyond::Null(key)), Some(Beyond::NotNull(key)));
                let beyond = if key.nulls_first {
                    [null, others]
                } else {
                    [others, null]
                };
                beyond.map(range).into()
            }
            _ => vec![range(None)],
        };
    };
    if is_one_row(model, order, after) {
        let row = Beyond::Row(order, after);
        // No null is beyond a value: where they come last, they are a range of their own.
        let last = !model.field(order[0].field).required && !order[0].nulls_first;
        let null = last.then(|| Beyond::Null(&order[0]));
        let ranges = std::iter::once(row).chain(null).map(|beyond| Range {
            equal: Vec::new(),
            beyond: Some(beyond),
        });
        return ranges.collect();
    }
    let mut ranges = Vec::new();
    for prefix in (0..order.len().min(after.len())).rev() {
        let equal: Vec<_> = order[..prefix].iter().zip(&after[..prefix]).collect();
        let (key, value) = (&order[prefix], &after[prefix]);
        let nullable = !model.field(key.field).required;
        let mut push = |beyond| {
            ranges.push(Range {
                equal: equal.clone(),
                beyond: Some(beyond),
            });
        };
        match (value.is_null(), nullable, key.nulls_first) {
            (true, _, true) => push(Beyond::NotNull(key)),
            (true, _, false) => {}
            (false, true, false) => {
                push(Beyond::Value(key, value));
                push(Beyond::Null(key));
            }
            (false, _, _) => push(Beyond::Value(key, value)),
        }
    }
    ranges
}

fn one_range(writer: &mut Writer, select: &Select, range: &Range<'_>, behind: Behind, whole: bool) {
    let model = &select.model;
    writer.sql("SELECT ");
    match behind {
        Behind::Itself => output(writer, model, &select.columns, "t"),
        Behind::Keys => with_keys(writer, select),
    }
    writer.sql(" FROM ").name(&model.path).sql(" t");
    joins(writer, model, &select.columns, "t");
    writer.sql(" WHERE ");
    conditions(writer, select);
    range_conditions(writer, model, range);
    // Fields that the range holds fixed need no ordering; but PostgreSQL does not see that of one that is null, and would
    // sort what its index has in order. Where a range has no nulls, nothing is to be said of them.
    let null = match range.beyond {
        Some(Beyond::Null(key)) => Some((key, true)),
        _ => None,
    };
    let equal = range
        .equal
        .iter()
        .map(|(key, value)| (*key, value.is_null()));
    let fixed: Vec<_> = equal.chain(null).collect();
    let named = fixed
        .iter()
        .filter(|(_, null)| *null && writer.engine == Engine::Postgres);
    let without_nulls = match &range.beyond {
        Some(Beyond::Value(key, _) | Beyond::NotNull(key)) => Some(key.field),
        Some(Beyond::Row(order, _)) => Some(order[0].field),
        _ => None,
    };
    let keys: Vec<_> = named
        .map(|(key, _)| *key)
        .chain(select.order.iter().skip(fixed.len()))
        .collect();
    if !keys.is_empty() {
        writer.sql(" ORDER BY ");
        writer.list(keys, |writer, key| {
            let field = model.field(key.field);
            writer
                .key("t", field)
                .sql(if key.descending { " DESC" } else { " ASC" });
            let turned = turns_nulls(writer.engine, model, *key);
            let is_fixed = fixed.iter().any(|(fixed, _)| fixed.field == key.field);
            if turned && !is_fixed && without_nulls != Some(key.field) {
                writer.sql(if key.nulls_first {
                    " NULLS FIRST"
                } else {
                    " NULLS LAST"
                });
            }
        });
    }
    // One more than asked for tells whether there is a next page.
    let skipped = if whole { 0 } else { select.offset };
    writer.sql(" LIMIT ").number(select.limit + 1 + skipped);
    if whole && select.offset > 0 {
        writer.sql(" OFFSET ").number(select.offset);
    }
}

fn range_conditions(writer: &mut Writer, model: &Model, range: &Range<'_>) {
    for (key, value) in &range.equal {
        let field = model.field(key.field);
        writer.sql(" AND ").key("t", field);
        if value.is_null() {
            writer.sql(" IS NULL");
        } else {
            writer.sql(" = ").key_value(field, (*value).clone());
        }
    }
    match &range.beyond {
        None => {}
        Some(Beyond::Null(key)) => {
            writer
                .sql(" AND ")
                .column("t", model.field(key.field))
                .sql(" IS NULL");
        }
        Some(Beyond::NotNull(key)) => {
            writer
                .sql(" AND ")
                .column("t", model.field(key.field))
                .sql(" IS NOT NULL");
        }
        Some(Beyond::Value(key, value)) => {
            let field = model.field(key.field);
            writer
                .sql(" AND ")
                .key("t", field)
                .sql(if key.descending { " < " } else { " > " });
            writer.key_value(field, (*value).clone());
        }
        Some(Beyond::Row(order, values)) => {
            writer.sql(" AND (");
            writer.list(*order, |writer, key| {
                writer.key("t", model.field(key.field));
            });
            writer.sql(if order[0].descending {
                ") < ("
            } else {
                ") > ("
            });
            writer.list(order.iter().zip(*values), |writer, (key, value)| {
                writer.key_value(model.field(key.field), value.clone());
            });
            writer.sql(")");
        }
    }
}

fn with_keys(writer: &mut Writer, select: &Select) {
    let mut more = columns(writer, &select.model, &select.columns, "t");
    for (index, key) in select.order.iter().enumerate() {
        let is_it = |column: &Column| matches!(column, Column::Field(field) if *field == key.field);
        if !select.columns.iter().any(is_it) {
            separate(writer, &mut more);
            writer
                .column("t", select.model.field(key.field))
                .sql(" AS k")
                .number(index as u64);
        }
    }
}

/// The columns of a record, then its `id` and `_version`.
pub(super) fn output(writer: &mut Writer, model: &Model, shown: &[Column], alias: &'static str) {
    let mut more = columns(writer, model, shown, alias);
    separate(writer, &mut more);
    writer
        .sql(alias)
        .sql(".id AS gantry_id, ")
        .sql(alias)
        .sql("._version AS gantry_version");
}

/// Answers whether there are any.
fn columns(writer: &mut Writer, model: &Model, shown: &[Column], alias: &'static str) -> bool {
    let mut more = false;
    for (index, column) in shown.iter().enumerate() {
        separate(writer, &mut more);
        let index = index as u64;
        match column {
            Column::Field(field) => {
                writer
                    .column(alias, model.field(*field))
                    .sql(" AS c")
                    .number(index);
            }
            Column::Embed { target, fields, .. } => {
                writer
                    .sql("e")
                    .number(index)
                    .sql(".id IS NOT NULL AS c")
                    .number(index);
                for (inner, field) in fields.iter().enumerate() {
                    writer
                        .sql(", e")
                        .number(index)
                        .sql(".")
                        .name(&target.field(*field).name);
                    writer
                        .sql(" AS c")
                        .number(index)
                        .sql("_")
                        .number(inner as u64);
                }
            }
        }
    }
    more
}

/// Before all columns but the first.
fn separate(writer: &mut Writer, more: &mut bool) {
    if std::mem::replace(more, true) {
        writer.sql(", ");
    }
}

/// The refs' targets that the columns embed.
pub(super) fn joins(writer: &mut Writer, model: &Model, columns: &[Column], alias: &'static str) {
    for (index, column) in columns.iter().enumerate() {
        if let Column::Embed {
            field,
            target,
            filter,
            ..
        } = column
        {
            writer
                .sql(" LEFT JOIN (SELECT * FROM ")
                .name(&target.path)
                .sql(" x WHERE ");
            writer
                .filter("x", target, filter)
                .sql(") e")
                .number(index as u64);
            writer
                .sql(" ON e")
                .number(index as u64)
                .sql(".id = ")
                .column(alias, model.field(*field));
        }
    }
}
