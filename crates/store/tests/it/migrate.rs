//! Migrations on both engines: table cases for each kind of change, refusals, drift, races, and a property.

mod any_change;
mod cases;
mod interrupted;
mod many;

use std::sync::Arc;

use model::{Decimal, Field, FieldId, Kind, Model, ModelOptions, Models, OnDelete, System, Value};
use store::migrate::{self, ApplyOptions};
use store::{Location, Settings};
use testkit::{Database, Engine};

pub(crate) const ALLOW: ApplyOptions = ApplyOptions {
    allow_destructive: true,
    indexes_later: false,
    undisturbed: false,
    told: None,
};
pub(crate) const REFUSE: ApplyOptions = ApplyOptions {
    allow_destructive: false,
    indexes_later: false,
    undisturbed: false,
    told: None,
};

pub(crate) fn settings(database: &Database) -> Settings {
    Settings::new(match database.sqlite_file() {
        Some(file) => Location::Sqlite(file),
        None => Location::Postgres(database.location_url()),
    })
}

pub(crate) fn field(name: &str, kind: Kind) -> Field {
    Field {
        name: name.to_owned(),
        about: String::new(),
        kind,
        array: false,
        required: false,
        unique: false,
        index: false,
        search: false,
        nocase: false,
        default: None,
        min: None,
        max: None,
        min_len: None,
        max_len: None,
        was: None,
        system: None,
    }
}

pub(crate) fn required(field: Field) -> Field {
    Field {
        required: true,
        ..field
    }
}

pub(crate) fn unique(field: Field) -> Field {
    Field {
        unique: true,
        ..field
    }
}

pub(crate) fn indexed(field: Field) -> Field {
    Field {
        index: true,
        ..field
    }
}

pub(crate) fn was(name: &str, field: Field) -> Field {
    Field {
        was: Some(name.to_owned()),
        ..field
    }
}

pub(crate) fn with_default(value: Value, field: Field) -> Field {
    Field {
        default: Some(value),
        ..field
    }
}

pub(crate) fn decimal() -> Kind {
    Kind::Decimal {
        precision: None,
        scale: None,
    }
}

pub(crate) fn one_of(values: &[&str]) -> Kind {
    Kind::Enum(values.iter().map(|value| (*value).to_owned()).collect())
}

pub(crate) fn refers(model: &str) -> Kind {
    Kind::Ref {
        model: model.to_owned(),
        on_delete: OnDelete::Restrict,
    }
}

pub(crate) fn model(name: &str, fields: Vec<Field>) -> Model {
    let system = |system: System, kind| Field {
        system: Some(system),
        required: true,
        ..field(system.name(), kind)
    };
    let mut all = vec![system(System::Id, Kind::Uuid)];
    all.extend(fields);
    all.push(system(System::CreatedAt, Kind::Timestamp));
    all.push(system(System::Version, Kind::Int));
    let sets = |wanted: fn(&Field) -> bool| {
        let places = (0u16..).map(FieldId).zip(&all);
        places
            .filter(|(_, field)| wanted(field))
            .map(|(id, _)| vec![id])
            .collect()
    };
    Model {
        name: name.to_owned(),
        path: name.to_lowercase(),
        about: String::new(),
        was: None,
        uniques: sets(|field| field.unique),
        indexes: sets(|field| field.index),
        fields: all,
        options: ModelOptions::default(),
        access: Vec::new(),
    }
}

pub(crate) fn models(list: Vec<Model>) -> Models {
    Models::new(list.into_iter().map(Arc::new).collect())
}

pub(crate) fn film(fields: Vec<Field>) -> Models {
    models(vec![model("Film", fields)])
}

/// A plain connection, as anyone else has one.
pub(crate) enum Sql {
    Postgres(tokio_postgres::Client),
    Sqlite(rusqlite::Connection),
}

pub(crate) async fn sql(database: &Database) -> Sql {
    match database.engine() {
        Engine::Sqlite => {
            let file = database.sqlite_file().unwrap();
            let connection = rusqlite::Connection::open(file).unwrap();
            connection
                .busy_timeout(std::time::Duration::from_secs(20))
                .unwrap();
            connection
                .create_collation("gantry_decimal", |one: &str, two: &str| one.cmp(two))
                .unwrap();
            Sql::Sqlite(connection)
        }
        Engine::Postgres => {
            let url = database.location_url();
            let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
                .await
                .unwrap();
            tokio_util::task::TaskTracker::new().spawn(connection);
            Sql::Postgres(client)
        }
    }
}

impl Sql {
    pub(crate) async fn run(&self, sql: &str) {
        self.try_run(sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    pub(crate) async fn try_run(&self, sql: &str) -> Result<(), String> {
        match self {
            Self::Postgres(client) => client
                .batch_execute(sql)
                .await
                .map_err(|error| format!("{error:?}")),
            Self::Sqlite(connection) => connection
                .execute_batch(sql)
                .map_err(|error| error.to_string()),
        }
    }

    /// Rows as texts, sorted; null is `-`.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<String> {
        let mut rows: Vec<String> = match self {
            Self::Postgres(client) => client
                .simple_query(sql)
                .await
                .unwrap_or_else(|error| panic!("{sql}: {error:?}"))
                .iter()
                .filter_map(|message| match message {
                    tokio_postgres::SimpleQueryMessage::Row(row) => Some(
                        (0..row.len())
                            .map(|at| row.get(at).unwrap_or("-").to_owned())
                            .collect::<Vec<_>>()
                            .join("|"),
                    ),
                    _ => None,
                })
                .collect(),
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare(sql).unwrap();
                let width = statement.column_count();
                let mut found = statement.query([]).unwrap();
                let mut rows = Vec::new();
                while let Some(row) = found.next().unwrap() {
                    let texts = (0..width).map(|at| match row.get_ref(at).unwrap() {
                        rusqlite::types::ValueRef::Null => "-".to_owned(),
                        rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                        rusqlite::types::ValueRef::Real(number) => number.to_string(),
                        rusqlite::types::ValueRef::Text(text) => {
                            String::from_utf8_lossy(text).into_owned()
                        }
                        rusqlite::types::ValueRef::Blob(bytes) => format!("{bytes:?}"),
                    });
                    rows.push(texts.collect::<Vec<_>>().join("|"));
                }
                rows
            }
        };
        rows.sort();
        rows
    }

    /// A row of `table` with these columns, as SQL.
    pub(crate) async fn insert(&self, table: &str, columns: &[(&str, &str)]) {
        let names: Vec<_> = columns
            .iter()
            .map(|(name, _)| format!("\"{name}\""))
            .collect();
        let values: Vec<_> = columns.iter().map(|(_, value)| *value).collect();
        let id = uuid::Uuid::now_v7();
        let comma = if columns.is_empty() { "" } else { ", " };
        self.run(&format!(
            "INSERT INTO \"{table}\" (id, created_at, _version{comma}{}) VALUES ('{id}', '2024-05-06T07:08:09.000000Z', 1{comma}{})",
            names.join(", "),
            values.join(", ")
        ))
        .await;
    }
}

/// Applies, and checks that nothing is left to do and that the tables are as if made anew.
pub(crate) async fn migrate_to(database: &Database, wanted: &Models) -> migrate::Applied {
    let settings = settings(database);
    let applied = migrate::apply(&settings, wanted, &ALLOW)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let status = migrate::status(&settings, wanted).await.unwrap();
    assert_eq!(status.pending.to_sql(), "", "nothing is left to do");
    let fresh = Database::of(database.engine()).await;
    let fresh_settings = self::settings(&fresh);
    migrate::apply(&fresh_settings, wanted, &REFUSE)
        .await
        .unwrap();
    let (found, expected) = (
        migrate::found(&settings, wanted).await.unwrap(),
        migrate::found(&fresh_settings, wanted).await.unwrap(),
    );
    assert_eq!(
        found,
        expected,
        "as if made anew, after:\n{}",
        applied.plan.to_sql()
    );
    applied
}

pub(crate) fn number(text: &str) -> Value {
    Value::Decimal(text.parse::<Decimal>().unwrap())
}
