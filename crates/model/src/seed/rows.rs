//! A data file's rows → records.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::cells::Cell;
use super::{Lookup, Origin, Seed, SeedField, SeedFormat, SeedRecord, Wanted, ids};
use crate::csv::Csv;
use crate::source::{self, Place, Source};
use crate::{Mistake, Object, System, Value, did_you_mean};

/// More would bury the first.
const MOST_MISTAKES: usize = 100;

struct Row<'a> {
    line: usize,
    cells: Vec<(String, Cell<'a>)>,
}

pub(super) fn records(seed: &Seed, text: &str) -> Result<Vec<SeedRecord>, Vec<Mistake>> {
    let mut source = Source::new(&seed.file, text);
    let rows = match seed.format {
        SeedFormat::Csv => csv_rows(&mut source, text),
        SeedFormat::JsonLines => json_rows(&mut source, text),
    };
    let lines: Vec<&str> = text.lines().collect();
    let mut reader = Reader {
        seed,
        source,
        lines,
        seen: HashMap::new(),
        columns: HashSet::new(),
    };
    let mut records = Vec::with_capacity(rows.len());
    for row in &rows {
        if reader.source.mistakes.len() >= MOST_MISTAKES {
            break;
        }
        records.push(reader.record(row));
    }
    if reader.source.mistakes.is_empty() && !rows.is_empty() {
        reader.check_columns();
    }
    let mut mistakes = reader.source.mistakes;
    mistakes.truncate(MOST_MISTAKES);
    source::sort(&mut mistakes);
    if mistakes.is_empty() {
        Ok(records)
    } else {
        Err(mistakes)
    }
}

fn at_line(line: usize) -> Place {
    Place {
        line,
        ..Place::START
    }
}

fn json_rows<'a>(source: &mut Source, text: &'a str) -> Vec<Row<'a>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rows = Vec::new();
    for (index, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        match Object::parse(line) {
            Ok(object) => {
                let cells = object
                    .members
                    .into_iter()
                    .map(|(name, raw)| (name.into_owned(), Cell::Json(raw)));
                rows.push(Row {
                    line: index + 1,
                    cells: cells.collect(),
                });
            }
            Err(why) => source.mistake(
                at_line(index + 1),
                format!("the line is no JSON object: {why}"),
                None,
            ),
        }
    }
    rows
}

fn csv_rows<'a>(source: &mut Source, text: &str) -> Vec<Row<'a>> {
    let mut header: Option<Vec<String>> = None;
    let mut rows = Vec::new();
    for record in Csv::new(text) {
        let record = match record {
            Ok(record) => record,
            Err(bad) => {
                source.mistake(at_line(bad.line), bad.detail, None);
                break;
            }
        };
        let Some(names) = &header else {
            let names: Vec<String> = record
                .cells
                .into_iter()
                .map(Option::unwrap_or_default)
                .collect();
            if let Some(twice) = names
                .iter()
                .enumerate()
                .find(|(at, name)| names[..*at].contains(name))
            {
                source.mistake(
                    at_line(record.line),
                    format!("the column `{}` stands twice", twice.1),
                    None,
                );
            }
            header = Some(names);
            continue;
        };
        let cells = names
            .iter()
            .cloned()
            .zip(record.cells.into_iter().map(Cell::Text));
        rows.push(Row {
            line: record.line,
            cells: cells.collect(),
        });
    }
    rows
}

struct Reader<'s, 'a> {
    seed: &'s Seed,
    source: Source<'a>,
    lines: Vec<&'a str>,
    /// Ids that are given, with the lines of their rows.
    seen: HashMap<Uuid, usize>,
    /// Columns that some row had.
    columns: HashSet<String>,
}

impl Reader<'_, '_> {
    fn record(&mut self, row: &Row) -> SeedRecord {
        let seed = self.seed;
        for (column, _) in &row.cells {
            if !self.columns.contains(column) {
                self.check_known(row, column);
                self.columns.insert(column.clone());
            }
        }
        let mut id = None;
        let mut record = SeedRecord {
            line: row.line,
            id: Uuid::nil(),
            fields: Vec::with_capacity(seed.fields.len()),
            lookups: Vec::new(),
        };
        for field in &seed.fields {
            match self.value(row, field) {
                Ok(Found::Value(Value::Uuid(uuid))) if self.is_id(field) => id = Some(uuid),
                Ok(Found::Value(value)) => record.fields.push((field.field, value)),
                Ok(Found::Wanted(wanted)) => record.lookups.push(wanted),
                Err(why) => self.mistake(row, column(field), why),
            }
        }
        record.id = id.unwrap_or_else(|| self.id(row));
        if let Some(other) = self.seen.insert(record.id, row.line) {
            self.mistake(
                row,
                None,
                format!("the row has the same id or key as line {other}"),
            );
        }
        record
    }

    fn is_id(&self, field: &SeedField) -> bool {
        self.seed.model.field(field.field).system == Some(System::Id)
    }

    fn id(&mut self, row: &Row) -> Uuid {
        if self.seed.key.is_empty() {
            return ids::of_row(&self.seed.name, &["line", &row.line.to_string()]);
        }
        let mut key = vec!["key".to_owned()];
        for column in &self.seed.key {
            match cell(row, column).and_then(Cell::text) {
                Some(text) => key.push(text),
                None => self.mistake(
                    row,
                    Some(column),
                    format!("`{column}` is part of the key and is null"),
                ),
            }
        }
        ids::of_row(
            &self.seed.name,
            &key.iter().map(String::as_str).collect::<Vec<_>>(),
        )
    }

    fn value(&self, row: &Row, part: &SeedField) -> Result<Found, String> {
        let field = self.seed.model.field(part.field);
        let (column, formats, null_if, lookup) = match &part.origin {
            Origin::Constant(value) => return Ok(Found::Value(value.clone())),
            Origin::Column {
                column,
                formats,
                null_if,
                lookup,
            } => (column, formats, null_if, lookup),
        };
        // JSON Lines may leave out what is null; a column that no row has is a mistake that is told at the end.
        let null = Cell::Text(None);
        let cell = cell(row, column).unwrap_or(&null);
        let by = lookup
            .as_ref()
            .map(|Lookup { target, field, .. }| target.field(*field));
        let value = cell.value(by.unwrap_or(field), formats, null_if)?;
        if value.is_null() && field.required {
            return Err(format!("{} is required and `{column}` is null", field.name));
        }
        match lookup {
            Some(Lookup {
                target,
                field: by,
                create,
            }) if !value.is_null() => Ok(Found::Wanted(Wanted {
                field: part.field,
                id: ids::of_target(target, target.field(*by), &value),
                target: std::sync::Arc::clone(target),
                by: *by,
                value,
                create: *create,
            })),
            _ => Ok(Found::Value(value)),
        }
    }

    fn known(&self) -> impl Iterator<Item = &str> {
        let fields = self.seed.fields.iter().filter_map(column);
        fields
            .chain(self.seed.ignore.iter().map(String::as_str))
            .chain(self.seed.key.iter().map(String::as_str))
    }

    fn check_known(&mut self, row: &Row, name: &str) {
        if !self.known().any(|known| known == name) {
            let hint = format!("map it, or say ignore: [{name}]");
            let at = self.place(row, Some(name));
            let message = format!("the column `{name}` stands neither in fields nor in ignore");
            self.source.mistake(at, message, Some(hint));
        }
    }

    /// A column that no row has would fill a field with nulls and nobody would know.
    fn check_columns(&mut self) {
        let missing: Vec<String> = self
            .known()
            .filter(|name| !self.columns.contains(*name))
            .map(str::to_owned)
            .collect();
        for name in missing {
            let hint = did_you_mean(&name, self.columns.iter().map(String::as_str));
            let message = format!(
                "no row has the column `{name}` that {} names",
                self.seed.definition.display()
            );
            self.source.mistake(Place::START, message, hint);
        }
    }

    fn mistake(&mut self, row: &Row, column: Option<&str>, message: String) {
        let at = self.place(row, column);
        self.source.mistake(at, message, None);
    }

    /// Where a column's key stands in a line of JSON; else the line's begin.
    fn place(&self, row: &Row, column: Option<&str>) -> Place {
        let line = self.lines.get(row.line - 1).copied().unwrap_or("");
        let quoted = column.map(|column| format!("\"{column}\""));
        match quoted.and_then(|quoted| Some((line.find(&quoted)?, quoted.chars().count()))) {
            Some((at, width)) if self.seed.format == SeedFormat::JsonLines && at < 180 => Place {
                line: row.line,
                column: line[..at].chars().count() + 1,
                width,
            },
            _ => at_line(row.line),
        }
    }
}

enum Found {
    Value(Value),
    Wanted(Wanted),
}

fn column(field: &SeedField) -> Option<&str> {
    match &field.origin {
        Origin::Column { column, .. } => Some(column),
        Origin::Constant(_) => None,
    }
}

fn cell<'r, 'a>(row: &'r Row<'a>, column: &str) -> Option<&'r Cell<'a>> {
    row.cells
        .iter()
        .find(|(name, _)| name == column)
        .map(|(_, cell)| cell)
}
