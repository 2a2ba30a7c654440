//! For those who work on Gantry itself: a service built from sources in a container, again when one is saved, and a
//! debugger that stops it there.

use std::fs;

use e2e::engine::{Said, docker, said, until};

use crate::development::dev;
use crate::top;

/// The sources without what is built of them, so that a save in them disturbs nobody.
fn sources() -> std::path::PathBuf {
    let copy = e2e::target().unwrap().join("stacks/sources");
    if !copy.exists() {
        for folder in [
            "crates", "services", "cli", "xtask", "bench", "e2e", "docker", ".cargo",
        ] {
            e2e::copy(&top().join(folder), &copy.join(folder)).unwrap();
        }
        for file in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
            fs::copy(top().join(file), copy.join(file)).unwrap();
        }
    }
    copy
}

fn compose(arguments: &[&str]) -> Said {
    let stack = dev();
    let files = ["compose.yaml", "compose.dev.yaml", "compose.workshop.yaml"].map(|name| {
        let file = top().join("deploy/compose").join(name);
        format!("--file={}", file.display())
    });
    let mut words = vec!["compose".to_owned()];
    words.extend(files);
    words.push(format!("--project-directory={}", stack.folder.display()));
    words.extend(arguments.iter().map(|&word| word.to_owned()));
    let mut variables = stack.variables();
    variables.push(("GANTRY_SOURCE", sources().to_string_lossy().into_owned()));
    let secrets = stack.folder.join(".gantry/secrets");
    variables.push(("GANTRY_SECRETS", secrets.to_string_lossy().into_owned()));
    variables.push(("GANTRY_API_DEBUG_PORT", stack.ports.debug.to_string()));
    said("docker", words, variables)
}

fn serves_films() {
    until("films are served by what was built", || {
        let answer = dev().edge.get("/api/v1/film?limit=1").ok()?;
        (answer.status == 200).then_some(())
    });
}

fn process_of(container: &str) -> Option<String> {
    let found = docker(["exec", container, "pidof", "api"]);
    found.ok.then(|| found.out.trim().to_owned())
}

#[test]
fn a_saved_source_is_built_and_run_and_a_breakpoint_is_hit() {
    compose(&["up", "--detach", "--no-deps", "--no-build", "api"]).unwrap();
    let container = dev().container("api");
    serves_films();
    let before = until("the api runs", || process_of(&container));

    let client = "gantry-test-debugger";
    let volumes = format!("--volumes-from={container}");
    let target = format!("target extended-remote 127.0.0.1:{}", dev().ports.debug);
    docker([
        "run",
        "--detach",
        "--name",
        client,
        "--label",
        "gantry.test=workshop",
        "--network=host",
        &volumes,
        "--entrypoint=gdb",
        &format!("gantry/workshop:{}", e2e::tag()),
        "-batch",
        "-ex",
        "file /target/debug/api",
        "-ex",
        &target,
        "-ex",
        &format!("attach {before}"),
        "-ex",
        "break api::v1::v1",
        "-ex",
        "continue",
        "-ex",
        "backtrace 1",
        "-ex",
        "detach",
    ])
    .unwrap();
    let log = || {
        let log = docker(["logs", client]);
        log.out + &log.err
    };
    until("the breakpoint is set", || {
        log().contains("Breakpoint 1 at").then_some(())
    });
    serves_films();
    until("the breakpoint is hit", || {
        log()
            .contains("hit Breakpoint 1, api::v1::v1")
            .then_some(())
    });
    docker(["rm", "--force", client]).unwrap();

    let source = sources().join("services/api/src/lib.rs");
    let text = fs::read_to_string(&source).unwrap();
    let changed = text.replace(
        "Redirect::temporary(\"/docs\")",
        "Redirect::temporary(\"/docs?rebuilt\")",
    );
    fs::write(&source, changed).unwrap();
    until("the change is served", || {
        let answer = dev().edge.get("/").ok()?;
        (answer.header("location") == Some("/docs?rebuilt")).then_some(())
    });
    assert_ne!(process_of(&container), Some(before));
    fs::write(&source, text).unwrap();

    // The other tests are about the image.
    dev()
        .gantry(&["up", "--stack", "dev", "--no-build"])
        .unwrap();
    serves_films();
}
