//! What a service is: whom it runs as, what it may take, how it is watched, ended and waited for.

use serde_json::json;

use super::{check, check_at, good, told};
use crate::lint::{Stage, lint};

#[test]
fn whom_it_runs_as_and_what_it_may() {
    check("user", json!(null), &["user: api/user"]);
    check("user", json!("root"), &["user: api/user"]);
    check("user", json!("0:65532"), &["user: api/user"]);
    check("user", json!("65532:0"), &["user: api/user"]);
    check("user", json!("65532"), &[]);
    check("read_only", json!(false), &["read_only: api/read_only"]);
    check(
        "tmpfs",
        json!(["/tmp:noexec,nosuid,nodev"]),
        &["read_only: api/tmpfs/0"],
    );
    check("tmpfs", json!(["/tmp"]), &["read_only: api/tmpfs/0"]);
    let tmpfs = |size| json!([{"type": "tmpfs", "target": "/x", "tmpfs": {"size": size}}]);
    check("volumes", tmpfs(json!("1000")), &[]);
    check(
        "volumes",
        tmpfs(json!(null)),
        &["read_only: api/volumes/0/tmpfs/size"],
    );
    check(
        "cap_drop",
        json!(["NET_RAW"]),
        &["privileges: api/cap_drop"],
    );
    check(
        "cap_add",
        json!(["NET_ADMIN"]),
        &["privileges: api/cap_add/0"],
    );
    check(
        "security_opt",
        json!(["no-new-privileges:false"]),
        &["privileges: api/security_opt"],
    );
    check(
        "security_opt",
        json!([
            "no-new-privileges:true",
            "seccomp:unconfined",
            "apparmor=unconfined",
            "label=disable"
        ]),
        &[
            "privileges: api/security_opt/1",
            "privileges: api/security_opt/2",
            "privileges: api/security_opt/3",
        ],
    );
}

#[test]
fn how_much_it_may_take() {
    check("mem_limit", json!(null), &["limits: api/mem_limit"]);
    check("cpus", json!(0), &["limits: api/cpus"]);
    check("pids_limit", json!(-1), &["limits: api/pids_limit"]);
    check("ulimits", json!(null), &["limits: api/ulimits/nofile"]);
    check("ulimits/nofile", json!(1024), &[]);
    check("logging", json!(null), &["logging: api/logging"]);
    check(
        "logging/driver",
        json!("syslog"),
        &["logging: api/logging/driver"],
    );
    check(
        "logging/options/mode",
        json!("blocking"),
        &["logging: api/logging/options/mode"],
    );
    let files =
        json!({"driver": "json-file", "options": {"max-size": "10m", "mode": "non-blocking"}});
    check("logging", files, &["logging: api/logging/options/max-file"]);
    let mut config = good();
    let api = &mut config["services"]["api"];
    for key in ["mem_limit", "cpus", "pids_limit"] {
        api.as_object_mut().unwrap().remove(key);
    }
    api["deploy"] =
        json!({"resources": {"limits": {"cpus": "0.5", "memory": "1073741824", "pids": 5}}});
    assert_eq!(
        told(&lint(&config, Stage::Production)),
        Vec::<String>::new()
    );
}

#[test]
fn how_it_is_watched_and_what_it_waits_for() {
    check(
        "healthcheck",
        json!(null),
        &["healthcheck: api/healthcheck"],
    );
    check(
        "healthcheck/disable",
        json!(true),
        &["healthcheck: api/healthcheck"],
    );
    check(
        "healthcheck/test",
        json!(["NONE"]),
        &["healthcheck: api/healthcheck"],
    );
    check(
        "healthcheck/test",
        json!(["CMD-SHELL", "curl x"]),
        &["healthcheck: api/healthcheck/test"],
    );
    check(
        "healthcheck/test",
        json!(["CMD", "/api", "healthcheck"]),
        &[],
    );
    for key in ["interval", "retries", "start_period", "timeout"] {
        check(
            &format!("healthcheck/{key}"),
            json!(null),
            &[&format!("healthcheck: api/healthcheck/{key}")],
        );
    }
    check(
        "healthcheck/timeout",
        json!("30s"),
        &["healthcheck: api/healthcheck/timeout"],
    );
    check(
        "depends_on/postgres",
        json!({"condition": ""}),
        &["depends_on: api/depends_on/postgres/condition"],
    );
}

#[test]
fn whoever_waits_for_health_waits_for_somebody_who_tells() {
    let mut config = good();
    let mut check = |name: &str, condition: &str, expected: &[&str]| {
        config["services"]["seed"]["labels"] = json!({"gantry.job": "true"});
        config["services"]["api"]["depends_on"] = json!({name: {"condition": condition}});
        assert_eq!(
            told(&lint(&config, Stage::Production)),
            expected,
            "{condition}"
        );
    };
    check("seed", "service_started", &[]);
    check("seed", "service_completed_successfully", &[]);
    check("postgres", "service_healthy", &[]);
    check(
        "seed",
        "service_healthy",
        &["depends_on: api/depends_on/seed/condition"],
    );
}

#[test]
fn how_it_ends_and_comes_back() {
    check(
        "stop_grace_period",
        json!("10s"),
        &["stop: api/stop_grace_period"],
    );
    check(
        "stop_grace_period",
        json!(null),
        &["stop: api/stop_grace_period"],
    );
    check_at(
        Stage::Production,
        "services/postgres/stop_grace_period",
        json!("10s"),
        &[],
    );
    check("restart", json!(null), &["stop: api/restart"]);
    check("restart", json!("no"), &["stop: api/restart"]);
    check("restart", json!("unless-stopped"), &["stop: api/restart"]);
    check("restart", json!("on-failure"), &["stop: api/restart"]);
    check_at(Stage::Production, "services/seed/restart", json!("no"), &[]);
    check_at(
        Stage::Production,
        "services/seed/restart",
        json!("always"),
        &["stop: seed/restart"],
    );
}
