//! Measures over groups of records.

use model::{FieldId, Kind, Model};

use super::{Statement, Writer};
use crate::{Aggregate, Engine, Measure};

/// The group's fields, then a column a measure; an average is its sum and its count, divided afterwards, so that both
/// engines round alike.
pub(crate) fn aggregate(engine: Engine, aggregate: &Aggregate) -> Statement {
    let model = &aggregate.model;
    let mut writer = Writer::new(engine);
    writer.sql("SELECT ");
    for (index, field) in aggregate.group.iter().enumerate() {
        writer
            .column("t", model.field(*field))
            .sql(" AS g")
            .number(index as u64)
            .sql(", ");
    }
    for (index, (_, what)) in aggregate.measures.iter().enumerate() {
        measure(&mut writer, model, *what);
        writer.sql(" AS m").number(index as u64).sql(", ");
        if let Measure::Avg(field) = what {
            writer
                .sql("count(")
                .column("t", model.field(*field))
                .sql(") AS n")
                .number(index as u64)
                .sql(", ");
        }
    }
    writer
        .sql("count(*) AS gantry_rows FROM ")
        .name(&model.path)
        .sql(" t WHERE ");
    writer.filter("t", model, &aggregate.filter);
    if !aggregate.group.is_empty() {
        writer.sql(" GROUP BY ");
        writer.list(&aggregate.group, |writer, field| {
            writer.column("t", model.field(*field));
        });
    }
    if !aggregate.order.is_empty() {
        writer.sql(" ORDER BY ");
        let groups = aggregate.group.len();
        writer.list(&aggregate.order, |writer, (index, descending)| {
            match index.checked_sub(groups) {
                None => writer.sql("g").number(*index as u64),
                Some(at) => order_by_measure(
                    writer,
                    at,
                    aggregate.measures.get(at).map(|(_, what)| *what),
                    model,
                ),
            };
            writer.sql(if *descending {
                " DESC NULLS FIRST"
            } else {
                " ASC NULLS LAST"
            });
        });
    }
    writer.sql(" LIMIT ").number(aggregate.limit + 1);
    writer.finish()
}

fn order_by_measure<'a>(
    writer: &'a mut Writer,
    at: usize,
    what: Option<Measure>,
    model: &Model,
) -> &'a mut Writer {
    match what {
        Some(Measure::Avg(field)) => {
            // Aliases cannot stand in an expression, so the average is spelled out once more.
            writer.sql("avg(").column("t", model.field(field)).sql(")")
        }
        Some(Measure::Sum(_)) if writer.engine == Engine::Sqlite => writer
            .sql("m")
            .number(at as u64)
            .sql(" COLLATE gantry_decimal"),
        _ => writer.sql("m").number(at as u64),
    }
}

fn measure(writer: &mut Writer, model: &Model, what: Measure) {
    let exact =
        |field: FieldId| matches!(model.field(field).kind, Kind::Int | Kind::Decimal { .. });
    match what {
        Measure::Count => writer.sql("count(*)"),
        Measure::CountOf(field) => writer
            .sql("count(")
            .column("t", model.field(field))
            .sql(")"),
        Measure::CountDistinct(field) => writer
            .sql("count(DISTINCT ")
            .key("t", model.field(field))
            .sql(")"),
        Measure::Sum(field) | Measure::Avg(field) => match (writer.engine, exact(field)) {
            (Engine::Postgres, true) => writer
                .sql("sum(")
                .column("t", model.field(field))
                .sql("::numeric)"),
            (Engine::Sqlite, true) => writer
                .sql("gantry_sum(")
                .column("t", model.field(field))
                .sql(")"),
            (_, false) => writer.sql("sum(").column("t", model.field(field)).sql(")"),
        },
        Measure::Min(field) => extreme(writer, model, field, "min("),
        Measure::Max(field) => extreme(writer, model, field, "max("),
    };
}

fn extreme<'a>(
    writer: &'a mut Writer,
    model: &Model,
    id: FieldId,
    function: &'static str,
) -> &'a mut Writer {
    let field = model.field(id);
    if writer.engine == Engine::Sqlite {
        return writer.sql(function).column("t", field).sql(")");
    }
    // PostgreSQL has no extremes of these types; their texts sort alike.
    match field.kind {
        Kind::Uuid | Kind::Ref { .. } => writer
            .sql(function)
            .column("t", field)
            .sql("::text COLLATE \"C\")::uuid"),
        Kind::Bool => writer
            .sql(function)
            .column("t", field)
            .sql("::int)::boolean"),
        Kind::Bytes => writer
            .sql("decode(")
            .sql(function)
            .sql("encode(")
            .column("t", field)
            .sql(", 'hex') COLLATE \"C\"), 'hex')"),
        _ => writer.sql(function).column("t", field).sql(")"),
    }
}
