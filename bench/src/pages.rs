//! `bench pages`: whether the ten-thousandth page takes longer than the first, with a filter of the policy on every read.

use anyhow::Context;

use crate::contender::Contender;
use crate::entrant::Database;
use crate::kind::{Engine, Kind};
use crate::options::Options;
use crate::place::Place;
use crate::project;
use crate::results::{Results, Run};
use crate::targets::{BY_GROSS, BY_ID};

const DEEP: u64 = 10_000;
/// The greatest limit that is allowed unless the project says otherwise.
const STEP: u64 = 1000;

pub(crate) fn run(options: &Options, place: &Place) -> anyhow::Result<Results> {
    let entrants: Vec<Paged> = Engine::ALL
        .into_iter()
        .map(Engine::gantry)
        .filter(|kind| options.against.contains(kind))
        .map(|kind| Paged::prepare(kind, options.rows, place))
        .collect::<anyhow::Result<_>>()?;
    let mut run = Run::begin("pages", options, &place.server)?;
    for round in 0..options.rounds {
        for entrant in &entrants {
            for (name, path) in &entrant.pages {
                let figures = entrant.contender.measure(path, 1, options.seconds)?;
                run.take(round + 1, name, 1, entrant.kind.name(), &figures);
            }
        }
    }
    Ok(run.end())
}

/// Gantry over a filled database, and the pages that are asked of it: a name and a path.
struct Paged {
    kind: Kind,
    contender: Contender,
    pages: Vec<(&'static str, String)>,
}

impl Paged {
    fn prepare(kind: Kind, rows: u64, place: &Place) -> anyhow::Result<Self> {
        let name = format!("{}-pages", kind.name());
        let database = Database::create(kind.engine(), &name, &place.server, &place.folder)?;
        let project = project::filtered_films(&place.folder)?;
        let contender = Contender::gantry(&place.folder, &name, &project, &database.url())?;
        println!("filling {} with {rows} films", kind.about());
        contender.fill(1..=rows)?;
        database.settle()?;
        // So large that page 10,000 is among the last that exist: the policy hides one film in five hundred.
        let limit = ((rows - rows / 500) / DEEP).clamp(1, STEP);
        let mut pages = Vec::new();
        for (names, order) in [(BY_ID, "id"), (BY_GROSS, "gross")] {
            let list = format!("/api/v1/film?order={order}");
            let cursor = walk(&contender, &list, limit * (DEEP - 1))?;
            let first = format!("{list}&limit={limit}");
            let deep = format!("{first}&cursor={cursor}");
            pages.extend([(names[0], first), (names[1], deep)]);
        }
        Ok(Self {
            kind,
            contender,
            pages,
        })
    }
}

/// The cursor behind so many records: page after page of the greatest size, since a cursor is not bound to the limit.
fn walk(contender: &Contender, list: &str, records: u64) -> anyhow::Result<String> {
    let mut cursor = String::new();
    let mut left = records;
    while left > 0 {
        let step = left.min(STEP);
        let after = match cursor.as_str() {
            "" => String::new(),
            cursor => format!("&cursor={cursor}"),
        };
        let answer = contender.exchange(&format!(
            "GET {list}&select=id&limit={step}{after} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
        ))?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        let found = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("next-cursor")
                .then(|| value.trim())
        });
        let found = found.with_context(|| format!("{left} records before the page: {head} {body}"));
        found?.clone_into(&mut cursor);
        left -= step;
    }
    Ok(cursor)
}
