//! Rows → pages, on either engine: the frame, the next page's beginning, measures.

use std::sync::Arc;

use bigdecimal::{BigDecimal, RoundingMode};
use model::{Field, Kind, Model, Value};
use tokio_postgres::Row as PostgresRow;

use crate::encode::{Cells, Framed};
use crate::{Aggregate, Error, Format, Measure, Page, Record, Select, sql, sqlite as lite};

#[expect(
    clippy::needless_pass_by_value,
    reason = "stands in map_err, which hands it over"
)]
fn failed(error: rusqlite::Error) -> Error {
    Error::Internal(error.to_string())
}

/// SQLite's cut-off at a deadline shows while rows are read.
fn next<'a, 'b>(rows: &'a mut rusqlite::Rows<'b>) -> Result<Option<&'a rusqlite::Row<'b>>, Error> {
    rows.next()
        .map_err(|error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::OperationInterrupted) => Error::Timeout,
            _ => failed(error),
        })
}

pub(crate) fn first(
    rows: &mut rusqlite::Rows<'_>,
    select: &Select,
) -> Result<Option<Record>, Error> {
    next(rows)?
        .map(|row| lite::record(row, &select.model, &select.columns))
        .transpose()
}

pub(crate) fn ids(
    rows: &mut rusqlite::Rows<'_>,
    model: &Arc<Model>,
) -> Result<Vec<(uuid::Uuid, i64)>, Error> {
    let mut ids = Vec::new();
    while let Some(row) = next(rows)? {
        let record = lite::record(row, model, &[])?;
        ids.push((record.id, record.version));
    }
    Ok(ids)
}

pub(crate) fn postgres(
    rows: &[PostgresRow],
    select: &Select,
    format: Format,
) -> Result<Page, Error> {
    let mut page = Paged::new(select, format);
    for row in rows {
        page.row(row)?;
    }
    Ok(page.finish())
}

pub(crate) fn sqlite(
    rows: &mut rusqlite::Rows<'_>,
    select: &Select,
    format: Format,
) -> Result<Page, Error> {
    let mut page = Paged::new(select, format);
    while let Some(row) = next(rows)? {
        page.row(row)?;
    }
    Ok(page.finish())
}

/// A page while its rows come in: one more than the limit says that there is a next.
struct Paged<'a> {
    select: &'a Select,
    framed: Framed,
    /// Where the order's values stand.
    keys: Vec<usize>,
    last: Option<Vec<Value>>,
    more: bool,
}

impl<'a> Paged<'a> {
    fn new(select: &'a Select, format: Format) -> Self {
        let framed = Framed::new(format, &select.model, &select.columns);
        Self {
            select,
            framed,
            keys: sql::key_places(select),
            last: None,
            more: false,
        }
    }

    fn row(&mut self, row: &impl Cells) -> Result<(), Error> {
        if self.framed.rows == self.select.limit {
            self.more = true;
            return Ok(());
        }
        self.framed
            .row(row, &self.select.model, &self.select.columns)?;
        if self.framed.rows == self.select.limit {
            let keys = self.keys.iter().zip(&self.select.order);
            let value = |(at, key): (&usize, &model::Order)| {
                row.value(*at, self.select.model.field(key.field))
            };
            self.last = Some(keys.map(value).collect::<Result<_, _>>()?);
        }
        Ok(())
    }

    fn finish(self) -> Page {
        let rows = self.framed.rows;
        Page {
            body: self.framed.finish().into(),
            rows,
            next: self.last.filter(|_| self.more),
        }
    }
}

pub(crate) fn postgres_aggregate(
    rows: &[PostgresRow],
    aggregate: &Aggregate,
) -> Result<Page, Error> {
    let mut out = vec![b'['];
    for (index, row) in rows.iter().take(limit(aggregate)).enumerate() {
        measures(row, aggregate, index, &mut out)?;
    }
    Ok(finish(out, rows.len(), aggregate))
}

pub(crate) fn sqlite_aggregate(
    rows: &mut rusqlite::Rows<'_>,
    aggregate: &Aggregate,
) -> Result<Page, Error> {
    let mut out = vec![b'['];
    let mut index = 0;
    while let Some(row) = next(rows)? {
        if index < limit(aggregate) {
            measures(row, aggregate, index, &mut out)?;
        }
        index += 1;
    }
    Ok(finish(out, index, aggregate))
}

fn limit(aggregate: &Aggregate) -> usize {
    usize::try_from(aggregate.limit).unwrap_or(usize::MAX)
}

/// `next` is set where groups were left out; aggregates have no pages, so it holds nothing.
fn finish(mut out: Vec<u8>, rows: usize, aggregate: &Aggregate) -> Page {
    out.push(b']');
    let shown = rows.min(limit(aggregate));
    Page {
        body: out.into(),
        rows: shown as u64,
        next: (rows > shown).then(Vec::new),
    }
}

fn measures(
    row: &impl Cells,
    aggregate: &Aggregate,
    index: usize,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let model = &aggregate.model;
    let name = |name: &str, first: bool, out: &mut Vec<u8>| {
        out.push(if first { b'{' } else { b',' });
        model::write_json_string(name, out);
        out.push(b':');
    };
    if index > 0 {
        out.push(b',');
    }
    let mut at = 0;
    for id in &aggregate.group {
        let field = model.field(*id);
        name(&field.name, at == 0, out);
        row.write_json(at, field, out)?;
        at += 1;
    }
    for (measure_name, what) in &aggregate.measures {
        name(measure_name, at == 0, out);
        at += measure(row, model, *what, at, out)?;
    }
    out.extend_from_slice(if at == 0 { b"{}" } else { b"}" });
    Ok(())
}

/// Writes the measure; answers how many columns it took.
fn measure(
    row: &impl Cells,
    model: &Model,
    what: Measure,
    at: usize,
    out: &mut Vec<u8>,
) -> Result<usize, Error> {
    let count = Field::new("", Kind::Int);
    let exact = Field::new(
        "",
        Kind::Decimal {
            precision: None,
            scale: None,
        },
    );
    let summed = |id| match model.field(id).kind {
        Kind::Float => Field::new("", Kind::Float),
        _ => exact.clone(),
    };
    match what {
        Measure::Count | Measure::CountOf(_) | Measure::CountDistinct(_) => {
            row.write_json(at, &count, out)?;
        }
        Measure::Min(id) | Measure::Max(id) => {
            row.value(at, &scalar(model.field(id)))?.write_json(out);
        }
        Measure::Sum(id) => row.write_json(at, &summed(id), out)?,
        Measure::Avg(id) => {
            average(&row.value(at, &summed(id))?, &row.value(at + 1, &count)?).write_json(out);
            return Ok(2);
        }
    }
    Ok(1)
}

fn scalar(field: &Field) -> Field {
    Field {
        array: false,
        ..field.clone()
    }
}

fn average(sum: &Value, count: &Value) -> Value {
    match (sum, count) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a float's average is a float's; nobody has 2^53 records"
        )]
        (Value::Float(sum), Value::Int(count)) => Value::Float(sum / *count as f64),
        (Value::Decimal(sum), Value::Int(count)) if *count > 0 => {
            let mean = (sum.to_big().with_scale(40) / BigDecimal::from(*count))
                .with_scale_round(20, RoundingMode::HalfEven);
            // Trailing zeros tell nothing of an average.
            let text = mean.to_plain_string();
            let text = if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.')
            } else {
                &text
            };
            text.parse().map_or(Value::Null, Value::Decimal)
        }
        _ => Value::Null,
    }
}
