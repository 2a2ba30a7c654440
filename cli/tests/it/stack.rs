//! The verbs of a stack where there is no Docker to run one.

use std::path::Path;

use crate::wrong_turns::project;
use crate::{Ran, command, gantry};

/// With a `docker` of this text first on the path, and nothing else there.
fn with_docker(script: Option<&str>, args: &[&str]) -> Ran {
    let path = tempfile::tempdir().unwrap();
    if let Some(script) = script {
        use std::os::unix::fs::PermissionsExt as _;
        let docker = path.path().join("docker");
        std::fs::write(&docker, format!("#!/bin/sh\n{script}\n")).unwrap();
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(docker, mode).unwrap();
    }
    let output = command(args).env("PATH", path.path()).output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn told(script: Option<&str>, args: &[&str], folder: &Path) -> String {
    with_docker(script, args).without(folder).to_string()
}

const ANSWERS: &str = r#"echo '{"Client":{},"Server":{"Version":"28.5.2","ApiVersion":"1.51"}}'"#;

#[test]
fn what_docker_lacks_is_told_with_a_way_out() {
    let folder = project();
    let path = folder.path().to_str().unwrap();
    let up = ["up", path, "--stack", "dev"];
    insta::assert_snapshot!("no_client", told(None, &up, folder.path()));
    let unreachable = "echo 'Cannot connect to the Docker daemon at unix:///nonexistent. Is the docker daemon running?' >&2; exit 1";
    insta::assert_snapshot!("unreachable", told(Some(unreachable), &up, folder.path()));
    let old = r#"echo '{"Client":{},"Server":{"Version":"19.03.1","ApiVersion":"1.40"}}'"#;
    insta::assert_snapshot!("old_engine", told(Some(old), &up, folder.path()));
    let no_compose = format!("case $1 in version) {ANSWERS};; *) exit 125;; esac");
    insta::assert_snapshot!("no_compose", told(Some(&no_compose), &up, folder.path()));
    let old_compose = format!("case $1 in version) {ANSWERS};; *) echo 2.17.2;; esac");
    insta::assert_snapshot!("old_compose", told(Some(&old_compose), &up, folder.path()));
    assert!(
        !folder.path().join(".gantry/secrets").exists(),
        "nothing was made"
    );
}

#[test]
fn every_verb_of_a_stack_asks_for_docker_first() {
    let folder = project();
    let path = folder.path().to_str().unwrap();
    for verb in ["down", "ps", "health"] {
        assert_eq!(with_docker(None, &[verb, path]).code, 7, "{verb}");
    }
    assert_eq!(with_docker(None, &["lint", "-C", path]).code, 7);
}

#[test]
fn a_variable_that_is_set_to_nothing_is_as_good_as_unset() {
    let folder = project();
    let path = folder.path().to_str().unwrap();
    let mut init = command(&["secrets", "init", "-C", path]);
    init.env("GANTRY_SECRETS", "").env("GANTRY_STACK_NAME", "");
    assert!(init.output().unwrap().status.success());
    assert!(folder.path().join(".gantry/secrets/admin_key").is_file());
    let mut up = command(&["up", path, "--stack", "dev"]);
    for name in [
        "GANTRY_SECRETS",
        "GANTRY_SOURCE",
        "GANTRY_STACK_NAME",
        "SSL_CERT_FILE",
        "PATH",
    ] {
        up.env(name, "");
    }
    assert_eq!(
        up.output().unwrap().status.code(),
        Some(7),
        "there is no docker"
    );
}

#[test]
fn an_image_that_nobody_has_is_named() {
    let folder = project();
    let path = folder.path().to_str().unwrap();
    let script = engine("")
        .replace(
            r#""image inspect"*) ;;"#,
            r#""image inspect"*" a") exit 1;; "image inspect"*) ;;"#,
        )
        .replace(
            r#"*" up "*) ;;"#,
            r#"*" pull "*) echo "no registry" >&2; exit 1;;"#,
        );
    let up = [
        "up",
        path,
        "--stack",
        "dev",
        "--no-build",
        "--name",
        "gantry-x",
    ];
    insta::assert_snapshot!("no_image", told(Some(&free(&script)), &up, folder.path()));
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    for args in [
        &["up", "--stack", "dev", "--open"][..],
        &["up", "--build"],
        &["up", "--stack", "dev", "--build", "--no-build"],
        &["up", "--stack", "dev", "--scale", "api"],
        &["secrets", "init", "--host", "x", "--certificate", "y"],
    ] {
        assert_eq!(gantry(args).code, 2, "{args:?}");
    }
}

/// Compose that has read the files, has containers as told, and starts nothing.
fn engine(containers: &str) -> String {
    format!(
        r#"case "$*" in
version*) {ANSWERS};;
"compose version"*) echo 2.40.3;;
*" config "*) echo '{{"name":"gantry-x","services":{{
    "api":{{"image":"a","healthcheck":{{"interval":"5s"}}}},
    "edge":{{"image":"e","ports":[{{"host_ip":"127.0.0.1","target":8443,"published":"8443"}}]}},
    "postgres":{{"image":"p","ports":[{{"host_ip":"127.0.0.1","target":5432,"published":"5432"}}]}}}}}}';;
*" ps "*) echo '{containers}';;
"image inspect"*) ;;
"inspect "*) echo '{{"Log":[{{"ExitCode":1,"Output":"dataflow: refused"}}]}}';;
*" logs "*) echo 'cannot reach dataflow';;
*" exec "*) ;;
*" up "*) ;;
*) echo "unexpected: $*" >&2; exit 9;;
esac"#
    )
}

/// With no port of the stack, of which one may be taken on this machine.
fn free(script: &str) -> String {
    script
        .replace(r#""published":"8443""#, r#""published":"""#)
        .replace(r#""published":"5432""#, r#""published":"""#)
}

/// The containers, with the ports that the stack has already.
fn containers(health: &str) -> String {
    let container = |service: &str, more: &str| {
        format!(
            r#"{{"ID":"{service}","Name":"gantry-x-{service}-1","Service":"{service}","State":"running"{more}}}"#
        )
    };
    let port = |port: u16| {
        format!(
            r#","Publishers":[{{"URL":"127.0.0.1","TargetPort":{port},"PublishedPort":{port},"Protocol":"tcp"}}]"#
        )
    };
    let api = format!(r#","Health":"{health}","Status":"Up 2 minutes ({health})","Image":"a""#);
    [
        container("api", &api),
        container("edge", &port(8443)),
        container("postgres", &port(5432)),
    ]
    .join("\n")
}

/// Without the seconds that it took.
fn timeless(text: &str) -> String {
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let timeless = words.iter().enumerate().map(|(index, word)| {
            let is_time = words
                .get(index + 1)
                .is_some_and(|next| next.trim_end_matches(';') == "s");
            if is_time { "0" } else { word }
        });
        timeless.collect::<Vec<_>>().join(" ")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_stack_that_comes_up_is_told_and_one_that_does_not_is_explained() {
    let folder = project();
    let path = folder.path().to_str().unwrap();
    std::fs::write(folder.path().join("gantry.yaml"), "name: films\n").unwrap();
    let up = ["up", path, "--stack", "dev", "--name", "gantry-x"];
    let healthy = engine(&containers("healthy"));
    let json = [&up[..], &["--output", "json"]].concat();
    let told_json = with_docker(Some(&healthy), &json).json();
    assert_eq!(told_json["url"], "https://localhost:8443", "{told_json}");
    let mcp = r#"{"ID":"mcp","Name":"gantry-x-mcp-1","Service":"mcp","State":"running"}"#;
    let with_mcp = engine(&[&containers("healthy"), mcp].join("\n"));
    let with_mcp = with_mcp.replace(r#""edge":{"#, r#""mcp":{"image":"m"},"edge":{"#);
    let told_json = with_docker(Some(&with_mcp), &json).json();
    assert_eq!(
        told_json["agents"], "https://localhost:8443/mcp",
        "{told_json}"
    );
    let came_up = told(Some(&healthy), &up, folder.path());
    insta::assert_snapshot!("came_up", timeless(&came_up));
    let sick = told(Some(&engine(&containers("unhealthy"))), &up, folder.path());
    insta::assert_snapshot!("sick", timeless(&sick));
    let late = [&up[..], &["--wait-timeout", "0"]].concat();
    let late = told(Some(&engine(&containers("starting"))), &late, folder.path());
    insta::assert_snapshot!("late", timeless(&late));
    let unknown = [&up[..], &["--scale", "ap=2"]].concat();
    insta::assert_snapshot!(
        "unknown_scale",
        told(Some(&healthy), &unknown, folder.path())
    );
    let workshop = ["up", path, "--stack", "prod", "--workshop"];
    assert_eq!(with_docker(Some(&healthy), &workshop).code, 2);
}

#[test]
fn what_runs_is_listed_and_asked_how_it_is() {
    let folder = project();
    let path = folder.path().to_str().unwrap();
    let name = ["--name", "gantry-x"];
    let script = engine(&containers("healthy"));
    let ps = [&["ps", path][..], &name].concat();
    insta::assert_snapshot!("ps", told(Some(&script), &ps, folder.path()));
    let empty = told(Some(&engine("")), &ps, folder.path());
    insta::assert_snapshot!("ps_of_nothing", empty);
    let report = r#"{"service":"api","version":"0.1.0","status":"down","dependencies":[{"name":"dataflow","status":"down","required":true,"latency_us":5,"reason":"refused"}]}"#;
    let down = script.replace(
        r#"*" exec "*) ;;"#,
        &format!("*\" exec \"*) echo '{report}'; exit 1;;"),
    );
    let health = [&["health", path][..], &name].concat();
    insta::assert_snapshot!("health", told(Some(&down), &health, folder.path()));
    let json = with_docker(Some(&down), &[&health[..], &["--output", "json"]].concat());
    let told: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        (json.code, &told["reports"]["api"]["status"]),
        (7, &"down".into()),
        "{json}"
    );
}

#[test]
fn data_is_deleted_only_where_that_is_said_twice() {
    let folder = project();
    let path = folder.path().to_str().unwrap();
    let script = engine("").replace(r#"*" up "*) ;;"#, r#"*" down "*) echo "$*" >&2;;"#);
    let down = ["down", path, "--name", "gantry-x", "--volumes"];
    insta::assert_snapshot!("down_unsure", told(Some(&script), &down, folder.path()));
    let sure = [&down[..], &["--yes"]].concat();
    insta::assert_snapshot!("down_sure", told(Some(&script), &sure, folder.path()));
}
