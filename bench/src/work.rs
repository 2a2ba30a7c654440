//! The four works as HTTP requests, and the films that they are about.

use anyhow::bail;
use serde_json::{Value, json};

/// Films that are there before anything is measured; their ids end in 1 to this number.
pub(crate) const FILMS: u64 = 10_000;
pub(crate) const BULK: usize = 1000;
/// Films that a measurement creates have random ids, all of them above this one.
pub(crate) const FIRST_CREATED_ID: &str = "00000001-0000-0000-0000-000000000000";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// One film by its id.
    Read,
    /// Twenty films, filtered and ordered by an indexed column.
    List,
    /// One film.
    Create,
    /// A thousand films in one request, of which the answer says no more than that they are there.
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

    /// The `number`th request, as bytes to be sent.
    pub(crate) fn request(self, number: u64) -> Vec<u8> {
        let lot = scatter(number);
        match self {
            Self::Read => get(&format!("/api/v1/film/{}", film_id(lot % FILMS + 1))),
            Self::List => {
                let gross = lot % (FILMS * 900);
                get(&format!(
                    "/api/v1/film?gross=gte.{gross}&order=gross.desc&limit=20"
                ))
            }
            Self::Create => post("", &film(lot).to_string()),
            Self::Bulk => {
                let films: Value = (0..BULK as u64)
                    .map(|at| film(lot.wrapping_add(at)))
                    .collect();
                post("Prefer: return=minimal\r\n", &films.to_string())
            }
        }
    }

    /// So many different requests are made before anything is measured, and sent again and again.
    pub(crate) fn different_requests(self) -> u64 {
        match self {
            Self::Bulk => 8,
            _ => 8192,
        }
    }
}

pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").into_bytes()
}

fn post(header: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /api/v1/film HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{header}Content-Length: \
         {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
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
