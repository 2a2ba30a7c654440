//! What is asked again and what is not, over a server that does as it is told.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use client::Client;
use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use wire::{Body, Call, Caller, Calls as _, Code, Content, Media, Status};

#[derive(Clone, Copy)]
enum Does {
    /// Reads the request and hangs up.
    HangUp,
    /// Never answers.
    Wait,
    Say(&'static str),
}

struct Server {
    address: String,
    requests: Arc<AtomicUsize>,
    _task: AbortOnDropHandle<()>,
}

/// Does one thing after the other, a connection each, and the last again and again.
async fn server(script: &'static [Does]) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let task = TaskTracker::new().spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            read(&mut stream).await;
            let turn = counted.fetch_add(1, Ordering::SeqCst);
            match script[turn.min(script.len() - 1)] {
                Does::HangUp => {}
                Does::Wait => std::future::pending().await,
                Does::Say(answer) => {
                    let answer = answer.replace('\n', "\r\n");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        }
    });
    Server {
        address,
        requests,
        _task: AbortOnDropHandle::new(task),
    }
}

/// The head, and a body of the length that it tells or up to the last chunk.
async fn read(stream: &mut TcpStream) {
    let mut text = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let len = stream.read(&mut piece).await.unwrap_or(0);
        text.extend_from_slice(&piece[..len]);
        let seen = String::from_utf8_lossy(&text);
        let Some((head, body)) = seen.split_once("\r\n\r\n") else {
            if len == 0 {
                return;
            }
            continue;
        };
        let told = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let whole = told.map_or(
            !head.contains("chunked") || body.ends_with("0\r\n\r\n"),
            |told| body.len() >= told.parse().unwrap(),
        );
        if whole || len == 0 {
            return;
        }
    }
}

const OK: Does = Does::Say(
    "HTTP/1.1 200 OK\ncontent-length: 2\ncontent-type: application/json\nconnection: close\ngantry-meta: v3;C\n\n{}",
);
const GONE: Does = Does::Say(
    "HTTP/1.1 404 Not Found\ncontent-length: 44\ncontent-type: application/problem+json\nconnection: close\n\n{\"code\":\"not_found\",\"detail\":\"no such film\"}",
);

fn call(node: &str) -> Call {
    Call::new(node.parse().unwrap(), Caller::Anonymous, Body::json("{}"))
}

/// What comes of it, and how often it was asked.
async fn told(script: &'static [Does], call: Call) -> (Result<Option<i64>, Code>, usize) {
    let server = server(script).await;
    let client = Client::new(&server.address).unwrap();
    let answer = client.call(call).await.map(|answer| answer.meta.version);
    (
        answer.map_err(|problem| problem.code),
        server.requests.load(Ordering::SeqCst),
    )
}

#[tokio::test]
async fn reads_are_asked_twice_and_writes_once() {
    assert_eq!(told(&[OK], call("Film.create")).await, (Ok(Some(3)), 1));
    assert_eq!(
        told(&[Does::HangUp, OK], call("Film.read")).await,
        (Ok(Some(3)), 2)
    );
    assert_eq!(
        told(&[Does::HangUp], call("Film.read")).await,
        (Err(Code::Unavailable), 2)
    );
    assert_eq!(
        told(&[Does::HangUp, OK], call("Film.create")).await,
        (Err(Code::Unavailable), 1)
    );
    assert_eq!(
        told(&[GONE], call("Film.read")).await,
        (Err(Code::NotFound), 1)
    );
}

const AWAY: Does = Does::Say(
    "HTTP/1.1 503 Service Unavailable\ncontent-length: 46\ncontent-type: application/problem+json\nconnection: close\n\n{\"code\":\"unavailable\",\"detail\":\"no database\"}",
);

#[tokio::test]
async fn a_read_waits_for_who_is_away_and_a_write_does_not() {
    let soon = |node| {
        let mut soon = call(node);
        soon.deadline = Some(Instant::now() + Duration::from_secs(20));
        soon
    };
    let script = &[AWAY, AWAY, Does::HangUp, AWAY, OK];
    assert_eq!(told(script, soon("Film.read")).await, (Ok(Some(3)), 5));
    assert_eq!(
        told(script, soon("Film.create")).await,
        (Err(Code::Unavailable), 1)
    );
    let mut short = call("Film.list");
    short.deadline = Some(Instant::now() + Duration::from_millis(200));
    let (answer, asked) = told(&[AWAY], short).await;
    assert_eq!(answer, Err(Code::Unavailable));
    assert!(asked > 1);
}

#[tokio::test]
async fn steps_that_meet_share_a_request_and_each_hears_that_it_broke() {
    let server = server(&[Does::HangUp]).await;
    let client = Client::new(&server.address).unwrap();
    let step = |node: &str, path: &str| {
        let mut step = call(node);
        step.options.step = Some(wire::Step {
            run: "00000000-0000-0000-0000-000000000001".parse().unwrap(),
            epoch: 1,
            path: path.to_owned(),
            lease: "00000000-0000-0000-0000-000000000002".parse().unwrap(),
        });
        client.call(step)
    };
    // A read that is kept is a change too.
    let (first, second, third) = tokio::join!(
        step("Film.create", "one"),
        step("Film.create", "two"),
        step("Film.read", "three"),
    );
    for answer in [first, second, third] {
        assert_eq!(answer.unwrap_err().code, Code::Unavailable);
    }
    assert_eq!(server.requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_start_is_sent_once_whatever_its_workflow_is_called() {
    assert_eq!(
        told(&[Does::HangUp, OK], call("workflow.read")).await,
        (Err(Code::Unavailable), 1)
    );
}

#[tokio::test]
async fn a_deadline_is_kept() {
    let mut late = call("Film.read");
    late.deadline = Some(Instant::now() + Duration::from_millis(100));
    assert_eq!(told(&[Does::Wait], late).await, (Err(Code::Timeout), 1));
}

#[tokio::test]
async fn a_body_that_fails_on_its_way_says_why() {
    let mut cut = call("Film.bulk_create");
    let pieces = [
        Ok("[".into()),
        Err(wire::Problem::new(Code::PayloadTooLarge)),
    ];
    cut.input = Body {
        media: Media::Json,
        content: Content::Stream(futures_util::stream::iter(pieces).boxed()),
    };
    let (answer, _) = told(&[Does::HangUp], cut).await;
    assert_eq!(answer, Err(Code::PayloadTooLarge));
}

#[tokio::test]
async fn nobody_there_is_told_as_such() {
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let client = Client::new(&format!("http://{free}")).unwrap();
    let problem = client.call(call("Film.create")).await.unwrap_err();
    assert_eq!(
        (problem.code, problem.retry_after),
        (Code::Unavailable, Some(1))
    );
    assert_eq!(client.health().await.status, Status::Down);
}

#[tokio::test]
async fn a_catalogue_is_fetched_once_and_then_asked_for_by_version() {
    const FIRST: Does = Does::Say(
        "HTTP/1.1 200 OK\ncontent-length: 82\nconnection: close\n\n{\"version\":\"7\",\"project\":\"films\",\"models\":[],\"schemas\":{},\"filters\":{},\"nodes\":[]}",
    );
    const SAME: Does = Does::Say("HTTP/1.1 304 Not Modified\nconnection: close\n\n");
    let server = server(&[FIRST, SAME, FIRST]).await;
    let client = Client::new(&server.address).unwrap();
    let first = client.catalogue(&Caller::Anonymous).await.unwrap();
    let again = client.catalogue(&Caller::Anonymous).await.unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    assert_eq!(server.requests.load(Ordering::SeqCst), 1);
    let other = Caller::Assertion("signed".into());
    // What was not had before cannot be the same: it is asked for again.
    let others = client.catalogue(&other).await.unwrap();
    assert_eq!(others.version, first.version);
    assert_eq!(server.requests.load(Ordering::SeqCst), 3);
}
