//! PostgreSQL: never green while it initialises, and red for each fault.

use std::thread;
use std::time::Duration;

use e2e::engine::{Said, docker, until};

use super::{LABEL, Store, small};

const PASSWORD: &str = "correct horse battery: 'staple' \\ \"ä\"";
const OPTIONS: &[&str] = &[
    "--memory=512m",
    "--shm-size=128m",
    "--tmpfs=/tmp:noexec,nosuid,nodev,size=16m,uid=999,gid=999,mode=0700",
    "--tmpfs=/run/postgresql:noexec,nosuid,nodev,size=1m,uid=999,gid=999,mode=0700",
    "--volume=NAME:/var/lib/postgresql",
];

fn store(test: &str) -> Store {
    let store = Store::new("postgres", test, OPTIONS);
    store.secret("postgres_password", PASSWORD);
    store.secret("wrong", "wrong");
    store
}

/// As a client does it: over TCP, with the password, through PostgreSQL's own library.
fn query(store: &Store, password: &str, sql: &str) -> Said {
    let password = format!("PGPASSWORD={password}");
    let psql = "/usr/lib/postgresql/17/bin/psql";
    docker([
        "exec",
        "--env",
        &password,
        &store.name,
        psql,
        "--no-psqlrc",
        "--tuples-only",
        "--no-align",
        "--host=127.0.0.1",
        "--username=gantry",
        "--dbname=gantry",
        "--command",
        sql,
    ])
}

#[test]
fn postgres_is_never_green_before_a_query_works() {
    for round in 0..crate::asked("GANTRY_TEST_STARTS", 3) {
        let store = store(&format!("pg-first-{round}"));
        store.start(&[]);
        let took = store.green_after(|said| assert_eq!(said.code, Some(1), "{}", said.err));
        // The first green was true: a client is let in at once.
        assert_eq!(query(&store, PASSWORD, "SELECT 1").unwrap(), "1");
        println!("postgres: first start to green {took:?}");
        store.keeps_its_secret("battery");
    }
}

#[test]
fn postgres_is_red_for_a_wrong_password_and_when_it_hangs() {
    let store = store("pg-red");
    store.start(&[]);
    store.green();
    let wrong = store.probe_with("GANTRY_POSTGRES_PASSWORD_FILE=/run/secrets/wrong");
    store.red(&wrong, "password authentication failed");
    let database = store.probe_with("GANTRY_POSTGRES_DATABASE=elsewhere");
    store.red(&database, "does not exist");
    let misspelt = store.probe_with("GANTRY_POSTGRES_PASSWORD=x");
    store.red(&misspelt, "a password comes from a file only");
    store.hangs_and_goes_on();
    // The superuser does not come in over the network, whatever it knows.
    let superuser = store.exec(&[
        "/usr/lib/postgresql/17/bin/psql",
        "-h127.0.0.1",
        "-Upostgres",
        "-c",
        "SELECT 1",
    ]);
    assert!(superuser.err.contains("rejects"), "{}", superuser.err);
}

#[test]
fn postgres_is_red_on_a_full_disk() {
    let store = store("pg-full");
    let options = small(224, 999);
    store.volume(&options.each_ref().map(String::as_str));
    store.start(&[]);
    store.green();
    store.fill();
    store.red(&store.probe(), "the disk of /var/lib/postgresql is full");
    store.empty();
    store.green();
}

#[test]
fn postgres_refuses_what_is_not_its_own_volume() {
    let store = store("pg-foreign");
    let (code, why) = store.refused("/var/lib/postgresql", &[]);
    assert_eq!(code, Some(64));
    assert!(
        why.contains("no volume is mounted at /var/lib/postgresql"),
        "{why}"
    );
    let deep = format!("--volume={}:/var/lib/postgresql/data", store.name);
    let (code, why) = Store::refused(&store, "", &["-D", "/x"]);
    assert_eq!(code, Some(64), "{why}");
    assert!(why.contains("is not understood"), "{why}");

    let old = format!("--volume={}:/v", store.name);
    let make = "mkdir -p /v/data && echo 15 > /v/data/PG_VERSION && chown -R 999:999 /v";
    docker([
        "run",
        "--rm",
        "--label",
        LABEL,
        &old,
        "debian:trixie-slim",
        "sh",
        "-c",
        make,
    ])
    .unwrap();
    let (code, why) = store.refused("", &[]);
    assert_eq!(code, Some(64));
    assert!(why.contains("belongs to data of PostgreSQL 15"), "{why}");

    // One level too deep, as other images want it.
    let mut arguments: Vec<&str> = vec!["run", "--rm"];
    let mounts = |option: &&str| !option.contains(":/var/lib/postgresql");
    arguments.extend(store.options.iter().map(String::as_str).filter(mounts));
    arguments.extend([deep.as_str(), store.image.as_str()]);
    let said = docker(arguments);
    assert!(said.err.contains("is too deep"), "{}", said.err);
}

#[test]
fn postgres_killed_while_it_initialises_starts_again() {
    for delay in [200, 700, 1200, 1700, 2500] {
        let store = store(&format!("pg-half-{delay}"));
        store.start(&[]);
        thread::sleep(Duration::from_millis(delay));
        // It may have been too fast for this round; then it is a crash of a running server.
        store.kill("KILL");
        docker(["start", &store.name]).unwrap();
        store.green();
        assert_eq!(
            query(&store, PASSWORD, "SELECT '[1,2]'::vector").unwrap(),
            "[1,2]"
        );
    }
}

#[test]
fn postgres_keeps_data_and_takes_a_new_password() {
    let store = store("pg-kept");
    store.start(&[]);
    store.green();
    query(&store, PASSWORD, "CREATE TABLE kept AS SELECT 42 AS answer").unwrap();
    store.kill("KILL");
    docker(["start", &store.name]).unwrap();
    store.green();
    assert_eq!(
        query(&store, PASSWORD, "SELECT answer FROM kept").unwrap(),
        "42"
    );

    store.secret("postgres_password", "another one\n");
    store.red(&store.probe(), "password authentication failed");
    store.start(&["-c", "work_mem=9MB"]);
    store.green();
    assert_eq!(
        query(&store, "another one", "SELECT answer FROM kept").unwrap(),
        "42"
    );
    assert_eq!(
        query(&store, "another one", "SHOW work_mem").unwrap(),
        "9MB"
    );
    assert!(!query(&store, PASSWORD, "SELECT 1").ok);
    // A quarter of the container's 512 MiB.
    assert_eq!(
        query(&store, "another one", "SHOW shared_buffers").unwrap(),
        "128MB"
    );

    // Two containers on one volume would destroy it.
    let (code, why) = store.refused("--name", &[]);
    assert_eq!(code, Some(1));
    assert!(
        why.contains("another container runs on this volume"),
        "{why}"
    );
}

#[test]
fn backups_are_made_kept_and_missed() {
    let network = "gantry-probes-backup";
    docker(["network", "rm", network]);
    docker(["network", "create", "--internal", "--label", LABEL, network]).unwrap();
    {
        let on = format!("--network={network}");
        let mut options = OPTIONS.to_vec();
        options.extend([&*on, "--network-alias=postgres"]);
        let server = Store::new("postgres", "backed-up", &options);
        server.secret("postgres_password", PASSWORD);
        server.start(&[]);
        server.green();
        query(
            &server,
            PASSWORD,
            "CREATE TABLE kept AS SELECT 42 AS answer",
        )
        .unwrap();

        let mut options = OPTIONS[..4].to_vec();
        options.extend([&*on, "--volume=NAME:/backups"]);
        options.extend(["--env=GANTRY_BACKUP_EVERY=2s", "--env=GANTRY_BACKUP_KEEP=2"]);
        let backup = Store::new("postgres", "backup", &options);
        backup.secret("postgres_password", PASSWORD);
        backup.start(&["backup"]);
        let probe = || backup.exec(&["/entrypoint", "backup-probe"]);
        until("three backups", || {
            let log = docker(["logs", &backup.name]).err;
            (log.matches("is written and can be read").count() >= 3).then_some(())
        });
        probe().unwrap();
        backup.keeps_its_secret("battery");
        let listing = format!("--volume={}:/v:ro", backup.name);
        let list = docker([
            "run",
            "--rm",
            "--label",
            LABEL,
            &listing,
            "debian:trixie-slim",
            "ls",
            "/v",
        ])
        .unwrap();
        assert!(list.matches(".dump").count() <= 3, "{list}");

        server.kill("STOP");
        let why = until("the probe is red", || Some(probe()).filter(|said| !said.ok)).err;
        assert!(why.contains("the newest backup is"), "{why}");
        server.kill("CONT");
        until("the probe is green", || probe().ok.then_some(()));
        docker(["stop", "--time=5", &backup.name]).unwrap();
        let code = docker(["inspect", "--format={{.State.ExitCode}}", &backup.name]).unwrap();
        assert_eq!(code, "0", "it ended by itself, not by being killed");
    }
    docker(["network", "rm", network]).unwrap();
}
