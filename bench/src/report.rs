//! What a run says: its medians as tables in Markdown, and the page and the picture made from kept figures.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::kind::{Engine, Kind};
use crate::results::{Key, Results, middle, shorter};
use crate::work::Work;
use crate::{chart, containers, targets};

const PAGE: &str = "docs/PERFORMANCE.md";
const PICTURE: &str = "docs/performance.svg";
const BEGIN: &str = "<!-- figures: begin -->";
const END: &str = "<!-- figures: end -->";

struct Listing {
    command: &'static str,
    title: &'static str,
    /// Figures and their headings.
    columns: &'static [(&'static str, &'static str)],
    /// Whose first figure is 1 in a column more.
    by: Option<&'static str>,
}

const CONTAINERS: Listing = Listing {
    command: containers::PROXIED,
    title: "The same programs natively and in containers",
    columns: &[
        ("per_second", "requests a second"),
        ("p50_ms", "p50 ms"),
        ("p99_ms", "p99 ms"),
    ],
    by: Some(containers::NATIVE),
};

/// The commands that are no comparison of throughput.
const LISTED: &[Listing] = &[
    Listing {
        command: "stream",
        title: "A million films out and in",
        columns: &[
            ("rows_per_second", "films a second"),
            ("mb_per_second", "MB a second"),
            ("peak_mb", "most memory, MB"),
        ],
        by: None,
    },
    Listing {
        command: "pages",
        title: "The first page and the ten-thousandth",
        columns: &[("p50_ms", "p50 ms"), ("p99_ms", "p99 ms")],
        by: None,
    },
    Listing {
        command: "start",
        title: "Start, rest and size",
        columns: &[
            ("first_answer_ms", "first answer, ms"),
            ("rss_mb", "memory at rest, MB"),
            ("binary_mb", "program, MB"),
        ],
        by: None,
    },
    Listing {
        command: "flow",
        title: "Workflows",
        columns: &[
            ("per_second", "a second"),
            ("p50_ms", "p50 ms"),
            ("p99_ms", "p99 ms"),
        ],
        by: None,
    },
    CONTAINERS,
    Listing {
        command: containers::UNPROXIED,
        title: "The same where the engine runs no docker-proxy",
        ..CONTAINERS
    },
    Listing {
        command: containers::UNFILTERED,
        title: "The same where packets between containers do not pass the firewall",
        ..CONTAINERS
    },
];

/// Renews the page between its marks, and the picture.
pub(crate) fn write(top: &Path, name: &str, results: &Results) -> anyhow::Result<()> {
    let page = top.join(PAGE);
    let text = fs::read_to_string(&page)?;
    let begin = text.find(BEGIN).context("the page has no begin mark")?;
    let end = text.find(END).context("the page has no end mark")?;
    let figures = format!(
        "{BEGIN}\n![Throughput of each contender against pgbench](performance.svg)\n\n{}\n{}\nEach round's figures: \
         [`bench/results/{name}.json`](../bench/results/{name}.json).\n",
        targets::table(results),
        tables(results)
    );
    fs::write(page, format!("{}{figures}{}", &text[..begin], &text[end..]))?;
    fs::write(top.join(PICTURE), chart::draw(results))?;
    println!("renewed {PAGE} and {PICTURE}");
    Ok(())
}

pub(crate) fn tables(results: &Results) -> String {
    let mut text = String::new();
    if let Some(about) = about(results, "rest") {
        writeln!(text, "## Requests a second\n\n{about}").expect(TEXT);
        for engine in Engine::ALL {
            for work in Work::ALL {
                text.push_str(&throughput(results, engine, work).unwrap_or_default());
            }
        }
        text.push_str(&cost(results));
        text.push_str("\npgbench tells the mean latency where the others have the median.\n");
    }
    for listing in LISTED {
        if let Some(about) = about(results, listing.command) {
            writeln!(text, "\n## {}\n\n{about}", listing.title).expect(TEXT);
            text.push_str(&listing.table(results));
        }
    }
    text
}

/// What was measured, on what, when.
fn about(results: &Results, command: &str) -> Option<String> {
    let about = results.about(command)?;
    let machine = &about["machine"];
    let said = |name: &str| machine[name].as_str().unwrap_or_default();
    Some(format!(
        "{}, {} cores, Linux {}; PostgreSQL {}; commit `{}`, profile `{}`; medians of {} rounds. {}",
        said("processor"),
        machine["cores"],
        said("kernel"),
        said("postgresql"),
        about["commit"].as_str().unwrap_or_default(),
        said("profile"),
        about["rounds"],
        about["note"].as_str().unwrap_or_default(),
    ))
}

/// Nobody on this engine did the work: None.
fn throughput(results: &Results, engine: Engine, work: Work) -> Option<String> {
    let keys = results.measured("rest", "per_second");
    let here = |key: &&Key<'_>| {
        key.work == work.name()
            && Kind::named(key.contender).is_ok_and(|kind| kind.engine() == engine)
    };
    let mut concurrency: Vec<usize> = keys.iter().filter(here).map(|key| key.clients).collect();
    concurrency.sort_unstable();
    concurrency.dedup();
    if concurrency.is_empty() {
        return None;
    }
    let reference = reference(engine);
    let mut text = format!(
        "\n**{}, {}**\n\n| requests a second |",
        engine.about(),
        work.about()
    );
    for clients in &concurrency {
        write!(text, " c={clients} | p50 ms | of {} |", reference.name()).expect(TEXT);
    }
    write!(
        text,
        "\n|---|{}",
        "---:|---:|---:|".repeat(concurrency.len())
    )
    .expect(TEXT);
    let key = |kind: Kind, clients, figure| Key {
        command: "rest",
        work: work.name(),
        clients,
        contender: kind.name(),
        figure,
    };
    let done = |kind: &Kind| {
        keys.iter()
            .filter(here)
            .any(|key| key.contender == kind.name())
    };
    for kind in Kind::ALL.into_iter().filter(done) {
        write!(text, "\n| {} |", kind.about()).expect(TEXT);
        for clients in &concurrency {
            let speed = results.median(key(kind, *clients, "per_second"));
            let latency = results.median(key(kind, *clients, "p50_ms"));
            let ratio = middle(&results.ratios(
                key(kind, *clients, "per_second"),
                key(reference, *clients, "per_second"),
            ));
            write!(
                text,
                " {} | {} | {} |",
                show(speed),
                show(latency),
                show(ratio)
            )
            .expect(TEXT);
        }
    }
    text.push('\n');
    Some(text)
}

/// Whose throughput is 1.
pub(crate) fn reference(engine: Engine) -> Kind {
    match engine {
        Engine::Postgres => Kind::Pgbench,
        Engine::Sqlite => engine.bare(),
    }
}

/// Processor time of a request where most clients were, in the server and in the database.
fn cost(results: &Results) -> String {
    let keys = results.measured("rest", "database_cpu_us");
    let keys = [keys, results.measured("rest", "server_cpu_us")].concat();
    let Some(clients) = keys.iter().map(|key| key.clients).max() else {
        return String::new();
    };
    let works: Vec<Work> = Work::ALL
        .into_iter()
        .filter(|work| keys.iter().any(|key| key.work == work.name()))
        .collect();
    let mut text = format!(
        "\n**What a request costs, c={clients}**\n\n| microseconds of processor time, server + database |"
    );
    for work in &works {
        write!(text, " {} |", work.name()).expect(TEXT);
    }
    write!(text, "\n|---|{}", "---:|".repeat(works.len())).expect(TEXT);
    let done = |kind: &Kind| keys.iter().any(|key| key.contender == kind.name());
    for kind in Kind::ALL.into_iter().filter(done) {
        write!(text, "\n| {} |", kind.about()).expect(TEXT);
        for work in &works {
            let of = |figure| {
                let key = Key {
                    command: "rest",
                    work: work.name(),
                    clients,
                    contender: kind.name(),
                    figure,
                };
                show(results.median(key))
            };
            write!(
                text,
                " {} + {} |",
                of("server_cpu_us"),
                of("database_cpu_us")
            )
            .expect(TEXT);
        }
    }
    text.push('\n');
    text
}

impl Listing {
    fn table(&self, results: &Results) -> String {
        let mut text = "\n| | |".to_owned();
        for (_, heading) in self.columns {
            write!(text, " {heading} |").expect(TEXT);
        }
        if let Some(by) = self.by {
            write!(text, " of {by} |").expect(TEXT);
        }
        let columns = self.columns.len() + usize::from(self.by.is_some());
        write!(text, "\n|---|---|{}", "---:|".repeat(columns)).expect(TEXT);
        let mut rows: Vec<Key<'_>> = Vec::new();
        for (figure, _) in self.columns {
            for key in results.measured(self.command, figure) {
                let known = |row: &Key<'_>| row.work == key.work && row.contender == key.contender;
                if !rows.iter().any(known) {
                    rows.push(key);
                }
            }
        }
        for row in rows {
            write!(text, "\n| {} | {} |", row.work, row.contender).expect(TEXT);
            for (figure, _) in self.columns {
                let key = Key { figure, ..row };
                write!(text, " {} |", show(results.median(key))).expect(TEXT);
            }
            if let Some(by) = self.by {
                let (figure, _) = self.columns[0];
                let of = Key { figure, ..row };
                let ratios = results.ratios(
                    of,
                    Key {
                        contender: by,
                        ..of
                    },
                );
                write!(text, " {} |", show(middle(&ratios))).expect(TEXT);
            }
        }
        text.push('\n');
        text
    }
}

pub(crate) fn show(figure: Option<f64>) -> String {
    figure.map_or("–".to_owned(), shorter)
}

const TEXT: &str = "text takes text";
