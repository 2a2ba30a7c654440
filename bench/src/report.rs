//! Medians and ratios of a run: raw figures as JSON, the tables as Markdown.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::contender::Kind;
use crate::options::Options;
use crate::work::Work;

const BEGIN: &str = "<!-- bench rest: begin -->";
const END: &str = "<!-- bench rest: end -->";

pub(crate) fn write(top: &Path, options: &Options, run: &Value) -> anyhow::Result<()> {
    let results = top.join("bench/results");
    fs::create_dir_all(&results)?;
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let raw = results.join(format!("rest-{seconds}.json"));
    fs::write(&raw, serde_json::to_vec_pretty(run)?)?;
    let tables = tables(options, run);
    println!("\n{tables}\nraw figures: {}", raw.display());
    let page = top.join("docs/PERFORMANCE.md");
    let Ok(text) = fs::read_to_string(&page) else {
        return Ok(());
    };
    let (Some(begin), Some(end)) = (text.find(BEGIN), text.find(END)) else {
        return Ok(());
    };
    let file = raw.file_name().unwrap_or_default().display();
    let page_text = format!(
        "{}{BEGIN}\n{tables}\nRaw figures: [`bench/results/{file}`](../bench/results/{file}).\n{}",
        &text[..begin],
        &text[end..]
    );
    fs::write(page, page_text)?;
    Ok(())
}

fn tables(options: &Options, run: &Value) -> String {
    let mut text = format!(
        "PostgreSQL {}, {} cores, medians of {} rounds of {} s. {}\n",
        run["postgresql"].as_str().unwrap_or_default(),
        run["cores"],
        options.rounds,
        options.seconds,
        options.note,
    );
    for work in &options.works {
        write!(text, "\n**{}**\n\n| requests a second |", work.about()).expect("text takes text");
        for clients in &options.concurrency {
            write!(text, " c={clients} | p50 ms | of bare |").expect("text takes text");
        }
        text.push_str("\n|---|");
        text.push_str(&"---:|".repeat(3 * options.concurrency.len()));
        for kind in &options.against {
            write!(text, "\n| {} |", kind.about()).expect("text takes text");
            for clients in &options.concurrency {
                let of = |kind, figure| median(run, *work, *clients, kind, figure);
                let speed = of(*kind, "per_second");
                let bare = of(Kind::Bare, "per_second");
                let ratio = match (speed, bare) {
                    (Some(speed), Some(bare)) => format!("{:.2}", speed / bare),
                    _ => "–".to_owned(),
                };
                let show = |figure: Option<f64>| figure.map_or("–".to_owned(), round);
                let latency = show(of(*kind, "p50_ms"));
                write!(text, " {} | {latency} | {ratio} |", show(speed)).expect("text takes text");
            }
        }
        text.push('\n');
    }
    if options.against.contains(&Kind::Pgbench) {
        text.push_str("\npgbench tells the mean latency where the others have the median.\n");
    }
    text
}

fn median(run: &Value, work: Work, clients: usize, kind: Kind, figure: &str) -> Option<f64> {
    let mut figures: Vec<f64> = run["measured"]
        .as_array()?
        .iter()
        .filter(|one| {
            one["work"] == work.name()
                && one["clients"] == clients
                && one["contender"] == kind.name()
        })
        .filter_map(|one| one["figures"][figure].as_f64())
        .collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

fn round(figure: f64) -> String {
    if figure >= 100.0 {
        format!("{figure:.0}")
    } else {
        format!("{figure:.2}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_median_is_of_the_same_work_contender_and_concurrency() {
        let one = |contender: &str, clients: usize, speed: f64| json!({"work": "read", "clients": clients, "contender": contender, "figures": {"per_second": speed}});
        let run = json!({"measured": [
            one("bare", 1, 10.0), one("bare", 1, 30.0), one("bare", 1, 20.0), one("bare", 16, 99.0), one("gantry", 1, 5.0),
        ]});
        let check = |kind, clients, expected| {
            assert_eq!(
                median(&run, Work::Read, clients, kind, "per_second"),
                expected
            );
        };
        check(Kind::Bare, 1, Some(20.0));
        check(Kind::Bare, 16, Some(99.0));
        check(Kind::Split, 1, None);
    }
}
