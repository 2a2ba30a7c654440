//! From models to tables: the one place where migrations meet the physical layout.

use std::collections::BTreeMap;

use model::{Field, FieldId, Kind, Model, Models, OnDelete, System, Value};

use super::live::Live;
use super::meta;
use super::schema::{Column, Extra, Index, Reference, Schema, Table, quote, text_literal};
use crate::{Engine, Error, layout};

/// Raised when [`system_tables`] says more than before.
pub(super) const SYSTEM_VERSION: u32 = 7;

pub(super) fn schema(engine: Engine, models: &Models) -> Schema {
    let tables = models.iter().map(|model| {
        let table = table(engine, models, model);
        (table.name.clone(), table)
    });
    Schema {
        tables: tables.collect(),
    }
}

fn table(engine: Engine, models: &Models, model: &Model) -> Table {
    let columns = model
        .fields
        .iter()
        .map(|field| column(engine, models, field));
    let mut indexes = BTreeMap::new();
    for (unique, list) in [(true, &model.uniques), (false, &model.indexes)] {
        for fields in list {
            let (name, index) = index(engine, model, fields, unique);
            indexes.insert(name, index);
        }
    }
    if engine == Engine::Postgres {
        let searched = model.fields.iter().filter(|field| field.search);
        indexes.extend(searched.map(|field| words_index(model, field)));
    }
    Table {
        name: model.path.clone(),
        was: model.was.as_deref().map(model::path_of),
        columns: columns.collect(),
        indexes,
        extras: BTreeMap::<String, Extra>::new(),
    }
}

fn column(engine: Engine, models: &Models, field: &Field) -> Column {
    let name = quote(&field.name);
    let (key, values) = match &field.kind {
        Kind::Decimal {
            precision: Some(precision),
            scale: Some(scale),
        } => (format!("decimal({precision},{scale})"), Vec::new()),
        Kind::Enum(values) => ("enum".to_owned(), values.clone()),
        Kind::Vector { dim, .. } => (format!("vector({dim})"), Vec::new()),
        kind => (kind.name().to_owned(), Vec::new()),
    };
    let listed: Vec<_> = values.iter().map(|value| text_literal(value)).collect();
    let refers = match &field.kind {
        Kind::Ref { on_delete, .. } if !field.array => {
            models.target(field).map(|target| Reference {
                table: target.path.clone(),
                on_delete: match on_delete {
                    OnDelete::Restrict => "RESTRICT",
                    OnDelete::Cascade => "CASCADE",
                    OnDelete::SetNull => "SET NULL",
                }
                .to_owned(),
            })
        }
        _ => None,
    };
    Column {
        name: field.name.clone(),
        was: field.was.clone(),
        key: if field.array { format!("[{key}]") } else { key },
        array: field.array,
        sql: sql_type(engine, field),
        check: (!listed.is_empty() && !field.array)
            .then(|| format!("{name} IN ({})", listed.join(", "))),
        required: field.required || field.system == Some(System::Id),
        primary: field.system == Some(System::Id),
        refers,
        values,
        default: field
            .default
            .as_ref()
            .and_then(|value| literal(engine, field, value)),
    }
}

fn sql_type(engine: Engine, field: &Field) -> String {
    let nocase = |plain: &str, fold: &str| if field.nocase { fold } else { plain }.to_owned();
    let one = match (engine, &field.kind) {
        (Engine::Sqlite, _) if field.array => return "TEXT".to_owned(),
        (Engine::Postgres, Kind::Text | Kind::Enum(_)) => "text COLLATE \"C\"".to_owned(),
        (Engine::Sqlite, Kind::Text) => nocase("TEXT", "TEXT COLLATE gantry_nocase"),
        (Engine::Postgres, Kind::Int) => "bigint".to_owned(),
        (Engine::Sqlite, Kind::Int | Kind::Bool) => "INTEGER".to_owned(),
        (Engine::Postgres, Kind::Float) => "float8".to_owned(),
        (Engine::Sqlite, Kind::Float) => "REAL".to_owned(),
        (Engine::Postgres, Kind::Decimal { .. }) => "numeric".to_owned(),
        (Engine::Sqlite, Kind::Decimal { .. }) => "TEXT COLLATE gantry_decimal".to_owned(),
        (Engine::Postgres, Kind::Bool) => "boolean".to_owned(),
        (Engine::Postgres, Kind::Uuid | Kind::Ref { .. }) => "uuid".to_owned(),
        (Engine::Postgres, Kind::Date) => "date".to_owned(),
        (Engine::Postgres, Kind::Time) => "time".to_owned(),
        (Engine::Postgres, Kind::Timestamp) => "timestamptz".to_owned(),
        (Engine::Postgres, Kind::Json) => "jsonb".to_owned(),
        (Engine::Postgres, Kind::Bytes) => "bytea".to_owned(),
        (Engine::Postgres, Kind::Vector { .. }) => "real[]".to_owned(),
        (Engine::Sqlite, Kind::Bytes | Kind::Vector { .. }) => "BLOB".to_owned(),
        (Engine::Sqlite, _) => "TEXT".to_owned(),
    };
    if field.array {
        format!("{}[]", one.replace(" COLLATE \"C\"", ""))
    } else {
        one
    }
}

fn index(
    engine: Engine,
    model: &Model,
    fields: &[model::FieldId],
    unique: bool,
) -> (String, Index) {
    let name = layout::index_name(model, fields, unique);
    // With the id behind it an index has the order of pages, whatever many records have the same values.
    let id = (!unique && !fields.contains(&FieldId::ID)).then_some(FieldId::ID);
    let keys: Vec<_> = fields
        .iter()
        .copied()
        .chain(id)
        .map(|field| {
            let field = model.field(field);
            match engine {
                Engine::Postgres if field.nocase => format!("gantry_fold({})", quote(&field.name)),
                _ => quote(&field.name),
            }
        })
        .collect();
    let only = (unique && model.options.soft_delete).then(|| "\"deleted_at\" IS NULL".to_owned());
    let create = format!(
        "CREATE {}INDEX {} ON {} ({}){}",
        if unique { "UNIQUE " } else { "" },
        quote(&name),
        quote(&model.path),
        keys.join(", "),
        only.as_ref()
            .map_or_else(String::new, |only| format!(" WHERE {only}"))
    );
    let index = Index {
        create,
        unique,
        keys,
        only,
    };
    (name, index)
}

/// What finds the records with a word in this field.
fn words_index(model: &Model, field: &Field) -> (String, Index) {
    let name = layout::search_index_name(model, &field.name);
    let key = format!("gantry_words({})", quote(&field.name));
    let create = format!(
        "CREATE INDEX {} ON {} USING gin ({key})",
        quote(&name),
        quote(&model.path)
    );
    let index = Index {
        create,
        unique: false,
        keys: vec![key],
        only: None,
    };
    (name, index)
}

/// A default as SQL; `None` of null.
fn literal(engine: Engine, field: &Field, value: &Value) -> Option<String> {
    let text = match value {
        Value::Null | Value::Vector(_) => return None,
        Value::Text(text) | Value::Json(text) => text.clone(),
        Value::Int(number) => return Some(number.to_string()),
        Value::Float(number) => return Some(format!("{number:?}")),
        Value::Decimal(number) => number.to_string(),
        Value::Bool(yes) => {
            return Some(match engine {
                Engine::Postgres => yes.to_string(),
                Engine::Sqlite => i32::from(*yes).to_string(),
            });
        }
        Value::Uuid(id) => id.to_string(),
        Value::Date(date) => date.to_string(),
        Value::Time(time) => format!("{time:.6}"),
        Value::Timestamp(at) => format!("{at:.6}"),
        Value::Bytes(bytes) => {
            let hex = super::history::hex(bytes);
            return Some(match engine {
                Engine::Postgres => format!("'\\x{hex}'::bytea"),
                Engine::Sqlite => format!("X'{hex}'"),
            });
        }
        Value::Array(items) => return array(engine, field, items),
    };
    let text = text_literal(&text);
    Some(match engine {
        Engine::Postgres => {
            let sql = sql_type(
                engine,
                &Field {
                    array: false,
                    ..field.clone()
                },
            );
            let kind = sql.split_whitespace().next().unwrap_or("text").to_owned();
            format!("{text}::{kind}")
        }
        Engine::Sqlite => text,
    })
}

fn array(engine: Engine, field: &Field, items: &[Value]) -> Option<String> {
    match engine {
        Engine::Postgres => {
            let items: Option<Vec<_>> = items
                .iter()
                .map(|item| literal(engine, field, item))
                .collect();
            Some(format!(
                "ARRAY[{}]::{}",
                items?.join(", "),
                sql_type(engine, field)
            ))
        }
        Engine::Sqlite => {
            let mut json = Vec::new();
            Value::Array(items.to_vec()).write_json(&mut json);
            Some(text_literal(&String::from_utf8(json).ok()?))
        }
    }
}

/// What the platform keeps beside the models, in a database that has `version` of it. May be run again.
pub(super) fn system_tables(engine: Engine, version: u32) -> String {
    let (id, at, uuid) = match engine {
        Engine::Postgres => ("bigint", "timestamptz", "uuid"),
        Engine::Sqlite => ("INTEGER", "TEXT", "TEXT"),
    };
    // SQLite has them from the process that opens it.
    let functions = match engine {
        Engine::Postgres => format!(
            "{};\n{};\n",
            layout::fold_function(),
            layout::words_function()
        ),
        Engine::Sqlite => String::new(),
    };
    let services = layout::service_tables(engine);
    // Before the third version nobody read the outbox, and its order could not be told.
    let renewed = if version < 3 {
        "DROP TABLE IF EXISTS gantry_outbox;\n"
    } else {
        ""
    };
    // Before the fourth version keys had no scopes.
    let widened = match engine {
        _ if version == 0 || version > 3 => "",
        Engine::Postgres => "ALTER TABLE gantry_keys ADD COLUMN IF NOT EXISTS scopes text[];\n",
        Engine::Sqlite => "ALTER TABLE gantry_keys ADD COLUMN scopes TEXT;\n",
    };
    format!(
        "{renewed}CREATE TABLE IF NOT EXISTS gantry_meta (key text PRIMARY KEY, value text NOT NULL);
CREATE TABLE IF NOT EXISTS gantry_migrations (id {id} PRIMARY KEY, at {at} NOT NULL, name text NOT NULL, state text NOT NULL,
  up text NOT NULL, down text NOT NULL, snapshot text NOT NULL, checksum text NOT NULL, gantry_version text NOT NULL);
CREATE TABLE IF NOT EXISTS gantry_replicas (id {uuid} PRIMARY KEY, version text NOT NULL, seen_at {at} NOT NULL);
{services}{widened}{functions}"
    )
}

pub(super) async fn system_version(live: &mut Live) -> Result<u32, Error> {
    let text = meta::get(live, "schema").await?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0))
}
