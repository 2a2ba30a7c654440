//! Whether a service's state is known, what it waits for, and how it ends and comes back.

use serde_json::Value;

use super::service::Service;
use super::{Column, Holes};
use crate::read::{entries, number, seconds, text};

/// Drain: 3 s until everybody knows, 25 s to finish, and some to spare.
const GRACE: f64 = 35.0;
/// Of services that need not drain.
const LEAST_GRACE: f64 = 10.0;

pub(super) fn check(service: &Service<'_>, holes: &mut Holes<'_>) {
    healthcheck(service, holes);
    depends_on(service, holes);
    stop(service, holes);
}

fn healthcheck(service: &Service<'_>, holes: &mut Holes<'_>) {
    let check = service.key("healthcheck");
    let test = &check["test"];
    let mut found = |place: &str, what: &str, fix: &str| {
        holes.found(Column::Health, place, what, fix);
    };
    if is_off(check) {
        // Whoever waits for a job waits for its end.
        if !service.job {
            let fix = "healthcheck: { interval: 30s, timeout: 5s, retries: 3, start_period: 10s }, with the image's own probe";
            found("healthcheck", "nobody knows whether it works", fix);
        }
        return;
    }
    if test[0] == "CMD-SHELL" || test.is_string() {
        let what = "the probe needs a shell, which the image should not have";
        found("healthcheck/test", what, "test: [\"CMD\", \"/probe\"]");
    }
    for (key, fix) in [
        ("interval", "interval: 30s"),
        ("timeout", "timeout: 5s"),
        ("start_period", "start_period: 10s"),
    ] {
        if seconds(text(check, key)).is_none() {
            found(
                &format!("healthcheck/{key}"),
                &format!("{key} is not said"),
                fix,
            );
        }
    }
    if number(&check["retries"]).is_none_or(|retries| retries < 1.0) {
        found("healthcheck/retries", "retries is not said", "retries: 3");
    }
    let times = (
        seconds(text(check, "timeout")),
        seconds(text(check, "interval")),
    );
    if let (Some(timeout), Some(interval)) = times
        && timeout >= interval
    {
        let what = "one probe may still run when the next is due";
        found("healthcheck/timeout", what, "a timeout below the interval");
    }
}

fn depends_on(service: &Service<'_>, holes: &mut Holes<'_>) {
    for (name, dependency) in entries(service.key("depends_on")) {
        let other = &service.config["services"][name]["healthcheck"];
        let (what, fix) = match text(dependency, "condition") {
            "service_healthy" if !other.is_null() && is_off(other) => (
                format!("it waits for {name} to be healthy, which nothing ever tells"),
                format!(
                    "a healthcheck of {name}, or condition: service_completed_successfully for a job"
                ),
            ),
            // What compose writes for the short form, too: the service must wait by itself, as it must after the engine
            // was started anew.
            "service_started" | "service_completed_successfully" | "service_healthy" => continue,
            _ => (
                format!("it does not say what of {name} it waits for"),
                format!("depends_on: {{ {name}: {{ condition: service_healthy }} }}"),
            ),
        };
        holes.found(
            Column::DependsOn,
            &format!("depends_on/{name}/condition"),
            what,
            fix,
        );
    }
}

/// There is none, or it is turned off. What the image has counts only where the file says how often it runs.
fn is_off(healthcheck: &Value) -> bool {
    let is_disabled = healthcheck["disable"] == Value::Bool(true);
    healthcheck.is_null() || is_disabled || healthcheck["test"][0] == "NONE"
}

fn stop(service: &Service<'_>, holes: &mut Holes<'_>) {
    let least = if service.drains() { GRACE } else { LEAST_GRACE };
    let grace = seconds(service.text("stop_grace_period"));
    if grace.is_none_or(|grace| grace < least) {
        let what = match grace {
            None => "it does not say how long it may take to end".to_owned(),
            Some(grace) => format!("it is killed after {grace} s, in the midst of its work"),
        };
        let fix = format!("stop_grace_period: {least}s or more");
        holes.found(Column::Stop, "stop_grace_period", what, fix);
    }
    restart(service, holes);
}

/// Docker's bench (5.14) takes nothing but five attempts: what fails six times in a row wants to be looked at.
fn restart(service: &Service<'_>, holes: &mut Holes<'_>) {
    let restart = service.text("restart");
    let deployed = &service.key("deploy")["restart_policy"];
    let attempts = number(&deployed["max_attempts"]);
    let is_five = restart == "on-failure:5"
        || text(deployed, "condition") == "on-failure"
            && attempts.is_some_and(|n| (5.0..6.0).contains(&n));
    let is_job_left_down = service.job && matches!(restart, "no" | "");
    if !is_five && !is_job_left_down {
        let what = match restart {
            "" | "no" => "it stays down when it ends".to_owned(),
            _ => format!("restart: {restart} hides a service that cannot start"),
        };
        holes.found(Column::Stop, "restart", what, "restart: on-failure:5");
    }
}
