//! The four works, as HTTP requests and as SQL. The SQL is the bare handler's and pgbench's.

use anyhow::bail;
use serde_json::{Value, json};

/// Films that are there before anything is measured; their ids end in 1 to this number.
pub(crate) const FILMS: u64 = 10_000;
pub(crate) const BULK: usize = 1000;
/// Films that a measurement creates have random ids, all of them above this one.
pub(crate) const FIRST_CREATED_ID: &str = "00000001-0000-0000-0000-000000000000";

pub(crate) const READ_SQL: &str = "SELECT id, title, released::text, gross, rating::text, director, created_at, \
     updated_at, created_by, _version FROM film WHERE id = $1";

/// The bound is text, because PostgreSQL plans a bound LIMIT again for each execution.
pub(crate) const LIST_SQL: &str = "SELECT id, title, released::text, gross, rating::text, director, created_at, \
     updated_at, created_by, _version FROM film WHERE gross >= $1 ORDER BY gross DESC NULLS FIRST, id LIMIT 20";

pub(crate) const CREATE_SQL: &str = "INSERT INTO film (id, title, released, gross, rating, director, created_at, \
     updated_at, created_by, _version) VALUES ($1, $2, $3::text::date, $4, $5::text::numeric, $6, now(), now(), \
     'bench', 1) RETURNING id, title, released::text, gross, rating::text, director, created_at, updated_at, \
     created_by, _version";

pub(crate) const BULK_SQL: &str = "INSERT INTO film (id, title, released, gross, rating, director, created_at, \
     updated_at, created_by, _version) SELECT i, t, r::date, g, n::numeric, d, now(), now(), 'bench', 1 FROM \
     unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[]) AS f(i, t, r, g, n, d)";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// One film by its id.
    Read,
    /// Twenty films, filtered and ordered by an indexed column.
    List,
    /// One film.
    Create,
    /// A thousand films in one request.
    Bulk,
}

impl Work {
    pub(crate) const ALL: [Self; 4] = [Self::Read, Self::List, Self::Create, Self::Bulk];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::List => "list",
            Self::Create => "create",
            Self::Bulk => "bulk",
        }
    }

    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Read => "one film by id",
            Self::List => "20 films, filtered and ordered",
            Self::Create => "create one film",
            Self::Bulk => "create 1,000 films in one request",
        }
    }

    pub(crate) fn named(name: &str) -> anyhow::Result<Self> {
        match Self::ALL.into_iter().find(|work| work.name() == name) {
            Some(work) => Ok(work),
            None => bail!("there is no work {name:?}: read, list, create, bulk"),
        }
    }

    pub(crate) fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Bulk)
    }

    /// Method, path, body of the `number`th request.
    pub(crate) fn request(self, number: u64) -> (&'static str, String, Option<Value>) {
        let lot = scatter(number);
        match self {
            Self::Read => (
                "GET",
                format!("/api/v1/film/{}", film_id(lot % FILMS + 1)),
                None,
            ),
            Self::List => {
                let gross = lot % (FILMS * 900);
                let path = format!("/api/v1/film?gross=gte.{gross}&order=gross.desc&limit=20");
                ("GET", path, None)
            }
            Self::Create => ("POST", "/api/v1/film".to_owned(), Some(film(lot))),
            Self::Bulk => {
                let films = (0..BULK as u64)
                    .map(|at| film(lot.wrapping_add(at)))
                    .collect();
                ("POST", "/api/v1/film".to_owned(), Some(films))
            }
        }
    }
}

/// The id of one of the films that are there from the start.
pub(crate) fn film_id(number: u64) -> String {
    format!("00000000-0000-7000-8000-{number:012x}")
}

/// Without an id: the server gives one.
pub(crate) fn film(number: u64) -> Value {
    json!({
        "title": format!("The film number {number}"),
        "released": format!("{}-{:02}-{:02}", 1950 + number % 70, 1 + number % 12, 1 + number % 28),
        "gross": number % FILMS * 1000,
        "rating": format!("{}.{}", number % 10, number % 7),
        "director": format!("Director {}", number % 500),
    })
}

/// Spreads neighbours over the whole range (splitmix64), the same in every run.
pub(crate) fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    // Positive as a 64-bit integer of SQL.
    (mixed ^ (mixed >> 31)) >> 1
}
