//! From settings to exit: what probes see, what a signal does, what settings with faults end with.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use chassis::{HealthOf, HttpLimits};
use wire::Health;

use crate::child;

const LIMIT: Duration = Duration::from_secs(20);

/// A service whose `/slow` takes longer than it serves on after the signal.
fn serve() -> ExitCode {
    chassis::run("life", async |process| {
        let listen: SocketAddr = process
            .env
            .required("LISTEN", "127.0.0.1:0".parse().unwrap());
        let ops = process
            .env
            .required("OPS_LISTEN", "127.0.0.1:0".parse().unwrap());
        process.env.finish()?;
        let listener = process.bind(listen).await?;
        let health: HealthOf = Arc::new(|| Box::pin(async { Health::of("life", "0", Vec::new()) }));
        process.watch(ops, health).await?;
        process.ready();
        let slow = async || {
            tokio::time::sleep(Duration::from_secs(5)).await;
            "whole"
        };
        let router = Router::new()
            .route("/slow", get(slow))
            .route("/", get(async || "hello"));
        let router = chassis::with_farewell(router, process.life.clone());
        chassis::serve(
            listener,
            router,
            HttpLimits::default(),
            None,
            process.stopping(),
        )
        .await;
        Ok(())
    })
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// The status and the body, or nothing where nobody answers.
fn ask(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    Some((head.get(9..12)?.parse().ok()?, body.to_owned()))
}

/// Whether the answer ends a connection that its client would keep.
fn ends_the_connection(address: SocketAddr) -> Option<bool> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    write!(stream, "GET / HTTP/1.1\r\nHost: test\r\n\r\n").ok()?;
    let mut text = String::new();
    while !text.ends_with("hello") {
        let mut piece = [0; 1024];
        let len = stream.read(&mut piece).ok().filter(|len| *len > 0)?;
        text.push_str(std::str::from_utf8(&piece[..len]).ok()?);
    }
    Some(text.contains("connection: close"))
}

fn until(told: impl Fn() -> bool) {
    let begun = Instant::now();
    while !told() {
        assert!(begun.elapsed() < LIMIT, "it did not come to that");
        std::thread::sleep(Duration::from_millis(10));
    }
}

struct Served {
    process: Child,
    public: SocketAddr,
    ops: SocketAddr,
}

fn started(test: &str) -> Served {
    let (public, ops) = (free(), free());
    let variables = [
        ("GANTRY_LIFE_LISTEN", public.to_string()),
        ("GANTRY_LIFE_OPS_LISTEN", ops.to_string()),
    ];
    let process = child::start(
        test,
        &variables
            .each_ref()
            .map(|(name, value)| (*name, value.as_str())),
    );
    until(|| ask(ops, "/readyz").is_some_and(|(status, _)| status == 200));
    Served {
        process,
        public,
        ops,
    }
}

#[test]
fn what_is_under_way_when_the_signal_comes_is_finished() {
    let name = "life::what_is_under_way_when_the_signal_comes_is_finished";
    if child::is(name) {
        assert_eq!(serve(), ExitCode::SUCCESS);
        return;
    }
    let Served {
        process,
        public,
        ops,
    } = started(name);
    let metrics = ask(ops, "/metrics").unwrap().1;
    assert!(
        metrics.contains("gantry_build_info{service=\"life\""),
        "{metrics}"
    );
    let slow = std::thread::spawn(move || ask(public, "/slow"));
    // The request is on its way when a later one is answered.
    until(|| ask(public, "/").is_some());
    assert_eq!(ends_the_connection(public), Some(false));
    child::signal(&process, "-TERM");
    until(|| ask(ops, "/readyz").is_some_and(|(status, _)| status == 404));
    assert_eq!(ask(ops, "/livez").unwrap().0, 200);
    assert_eq!(
        ask(public, "/"),
        Some((200, "hello".to_owned())),
        "serves on for a while"
    );
    assert_eq!(ends_the_connection(public), Some(true));
    until(|| TcpStream::connect(public).is_err());
    assert_eq!(
        ask(ops, "/readyz").map(|(status, _)| status),
        Some(404),
        "told to the end"
    );
    assert_eq!(slow.join().unwrap(), Some((200, "whole".to_owned())));
    let (good, _) = child::end(process, LIMIT);
    assert!(good);
}

#[test]
fn a_second_signal_ends_at_once() {
    let name = "life::a_second_signal_ends_at_once";
    if child::is(name) {
        assert_eq!(serve(), ExitCode::SUCCESS);
        return;
    }
    let Served { process, ops, .. } = started(name);
    child::signal(&process, "-INT");
    until(|| ask(ops, "/readyz").is_some_and(|(status, _)| status == 404));
    child::signal(&process, "-INT");
    let (good, took) = child::end(process, LIMIT);
    assert!(
        !good && took < Duration::from_secs(2),
        "{good} after {took:?}"
    );
}

#[test]
fn settings_with_faults_end_with_64() {
    let name = "life::settings_with_faults_end_with_64";
    if child::is(name) {
        assert_eq!(serve(), ExitCode::from(64));
        return;
    }
    let (good, _) = child::end(child::start(name, &[("GANTRY_LIFE_LISEN", "x")]), LIMIT);
    assert!(good, "the process tested says that its exit code is 64");
}
