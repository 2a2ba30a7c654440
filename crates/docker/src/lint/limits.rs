//! How much of the machine a service may take, its logs included.

use serde_json::Value;

use super::service::Service;
use super::{Column, Holes};
use crate::read::{number, text};

pub(super) fn check(service: &Service<'_>, holes: &mut Holes<'_>) {
    for (key, deployed, fix) in [
        ("mem_limit", "memory", "mem_limit: 256m"),
        ("cpus", "cpus", "cpus: 1"),
        ("pids_limit", "pids", "pids_limit: 128"),
    ] {
        if service.limit(key, deployed).is_none() {
            let what = format!("{deployed}: it may take all of the machine's");
            holes.found(Column::Limits, key, what, fix);
        }
    }
    let nofile = &service.key("ulimits")["nofile"];
    let is_set = number(nofile).is_some() || number(&nofile["hard"]).is_some();
    if !is_set {
        let what = "nofile: it may open as many files as the engine allows";
        let fix = "ulimits: { nofile: { soft: 4096, hard: 4096 } }";
        holes.found(Column::Limits, "ulimits/nofile", what, fix);
    }
    logging(service, holes);
}

fn logging(service: &Service<'_>, holes: &mut Holes<'_>) {
    let logging = service.key("logging");
    let fix = "logging: { driver: local, options: { max-size: 10m, max-file: \"3\", mode: non-blocking } }";
    let driver = text(logging, "driver");
    let options = &logging["options"];
    let is_given = |key: &str| number_or_text(&options[key]);
    match driver {
        "local" => {}
        "json-file" => {
            for key in ["max-size", "max-file"] {
                if !is_given(key) {
                    let what = format!("json-file without {key} fills the disk");
                    holes.found(
                        Column::Logging,
                        &format!("logging/options/{key}"),
                        what,
                        fix,
                    );
                }
            }
        }
        "" => {
            let what = "the engine's own driver may keep logs without end";
            holes.found(Column::Logging, "logging", what, fix);
            return;
        }
        other => {
            let what = format!(
                "{other}: only local and json-file can be read by the engine and are bounded here"
            );
            holes.found(Column::Logging, "logging/driver", what, fix);
        }
    }
    if text(options, "mode") != "non-blocking" {
        let what = "a full log buffer stops the service";
        holes.found(
            Column::Logging,
            "logging/options/mode",
            what,
            "mode: non-blocking",
        );
    }
}

fn number_or_text(value: &Value) -> bool {
    value.is_number() || value.as_str().is_some_and(|text| !text.is_empty())
}
