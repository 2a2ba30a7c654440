//! The program itself as a client of a nexus that serves: in the empty environment of a container from scratch.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::world::without_engine;

const RATE: &str = "
workflow: rate
about: Makes a film and rates it.
inputs:
  title:  { type: text, required: true }
  rating: { type: int }
steps:
  - { id: made, node: Film.create, with: { title: '{{ inputs.title }}' } }
  - id: both
    parallel:
      left:  [{ id: rated, node: Film.update, with: { id: '{{ made.id }}', rating: '{{ inputs.rating }}' } }]
      right: [{ id: unwanted, if: '{{ false }}', node: Film.read, with: { id: '{{ made.id }}' } }]
outputs: '{{ made.title }}'
";
const PAID: &str = "
workflow: paid
steps: [{ id: comes, wait: { signal: paid, timeout: 1d } }]
outputs: '{{ comes.amount }}'
";

const PRICE: &str = "
workflow: price
steps:
  - id: asked
    approve: { message: How much?, form: { amount: { type: decimal, required: true }, in: { type: text, default: EUR } } }
outputs: '{{ asked.form }}'
";

/// The program with the environment that a container gives it.
fn command(args: &[&str], listen: &str, key: &str) -> Command {
    #[expect(clippy::disallowed_methods, reason = "the program under test")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_nexus"));
    command
        .args(args)
        .env_clear()
        .env("GANTRY_NEXUS_LISTEN", listen)
        .stdin(Stdio::null());
    if !key.is_empty() {
        command.env("GANTRY_KEY", key);
    }
    command
}

struct Shell {
    listen: String,
    key: String,
}

impl Shell {
    /// Exit code, output, talk.
    async fn run(&self, args: &[&str]) -> (i32, String, String) {
        let mut command = command(args, &self.listen, &self.key);
        let ran = tokio::task::spawn_blocking(move || command.output().unwrap());
        let ran = ran.await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (
            ran.status.code().unwrap(),
            text(ran.stdout),
            text(ran.stderr),
        )
    }

    async fn ok(&self, args: &[&str]) -> String {
        let (code, out, err) = self.run(args).await;
        assert_eq!(code, 0, "{args:?}: {out}{err}");
        out.trim_end().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_asks_the_nexus_beside_it() {
    without_engine(&[RATE, PAID, PRICE], async |stage| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let SocketAddr::V4(address) = listener.local_addr().unwrap() else {
            panic!("it is bound to IPv4")
        };
        let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(nexus::serve(listener, stage.app.clone(), stopping.clone()));
        let shell = Shell {
            // As containers are told it: that is where to listen, and not where to ask.
            listen: format!("0.0.0.0:{}", address.port()),
            key: stage.world().admin,
        };
        story(&shell).await;
        stopping.cancel();
        tasks.close();
        tasks.wait().await;
    })
    .await;
}

async fn story(shell: &Shell) {
    let listed = shell.ok(&["workflows"]).await;
    assert!(listed.contains("rate      title, rating?"), "{listed}");

    let (code, out, err) = shell
        .run(&["run", "rate", "-f", "title=Alien", "-f", "rating=8"])
        .await;
    assert_eq!((code, out.trim_end()), (0, "\"Alien\""), "{err}");
    let told: Vec<_> = err
        .lines()
        .map(|line| {
            line.split_whitespace()
                .take(3)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert_eq!(told.first().unwrap(), "✓ made Film.create", "{err}");
    for line in [
        "✓ both.left.rated Film.update",
        "– both.right.unwanted Film.read",
        "✓ both parallel",
    ] {
        assert!(told.iter().any(|told| told == line), "{line}: {err}");
    }
    assert!(!err.contains('\x1b'), "no colour where nobody looks: {err}");

    let session = shell.ok(&["sessions", "open"]).await;
    shell.ok(&["sessions", "set", &session, "film=Alien"]).await;
    assert_eq!(
        shell.ok(&["sessions", "show", &session]).await,
        r#"{"film":"Alien"}"#
    );
    let run = ["run", "paid", "--detach", "--session", &session];
    let id = shell.ok(&run).await;
    let json = r#"{"amount": "9.90"}"#;
    shell.ok(&["signal", &id, "paid", "--json", json]).await;
    assert_eq!(shell.ok(&["runs", "watch", &id]).await, "\"9.90\"");
    let listed = shell.ok(&["runs", "--output", "json"]).await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let told = |run: &Value| format!("{} {}", run["workflow"], run["state"]).replace('"', "");
    let listed: Vec<_> = listed.as_array().unwrap().iter().map(told).collect();
    assert_eq!(listed, ["paid succeeded", "rate succeeded"]);

    let id = shell.ok(&["run", "price", "--detach"]).await;
    let asks = async { while !shell.ok(&["runs", "show", &id]).await.contains("asks: ") {} };
    let asked = tokio::time::timeout(Duration::from_secs(40), asks).await;
    asked.expect("the step asks");
    let shown = shell.ok(&["runs", "show", &id]).await;
    assert!(shown.contains("asks: How much? [amount, in?]"), "{shown}");
    let (code, _, err) = shell.run(&["runs", "approve", &id, "asked"]).await;
    assert!(code != 0 && err.contains("amount must be given"), "{err}");
    let fields = ["-f", "amount=12.50", "-f", "in=USD"];
    let approve = [&["runs", "approve", &id, "asked"], &fields[..]].concat();
    shell.ok(&approve).await;
    let output = shell.ok(&["runs", "watch", &id]).await;
    assert_eq!(output, r#"{"amount":"12.50","in":"USD"}"#);
    shell.ok(&["sessions", "close", &session]).await;

    let (code, _, err) = shell.run(&["run", "rat", "-f", "title=x"]).await;
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("did you mean `rate`?"), "{err}");
    let nobody = Shell {
        key: String::new(),
        listen: shell.listen.clone(),
    };
    let (code, _, err) = nobody.run(&["runs"]).await;
    assert_eq!(code, 5, "{err}");
    // What is for our own services only is nobody's.
    let url = format!("http://{}", shell.listen);
    let by = client::By {
        key: Some(&shell.key),
        trusted: None,
    };
    let client = client::Client::nexus(&url, &by).unwrap();
    for hidden in [
        "run.claim",
        "run.advance",
        "session.get",
        "Film.list",
        "key.list",
    ] {
        let body = wire::Body::json(r#"{"holder":"0","most":1,"wait_ms":0}"#);
        let call = wire::Call::new(hidden.parse().unwrap(), wire::Caller::Anonymous, body);
        let refused = wire::Calls::call(&client, call).await.unwrap_err();
        assert_eq!(refused.code, wire::Code::NoSuchNode, "{hidden}");
    }
}

#[test]
fn every_verb_explains_itself() {
    let pages: [&[&str]; 6] = [
        &[],
        &["workflows"],
        &["run"],
        &["runs"],
        &["signal"],
        &["sessions"],
    ];
    for page in pages {
        let args = [page, &["--help"]].concat();
        let ran = command(&args, "0.0.0.0:8002", "").output().unwrap();
        let text = String::from_utf8(ran.stdout).unwrap();
        assert!(text.contains("Examples:\n  "), "{args:?}");
        assert!(!text.contains("gantry "), "another's name: {text}");
        let name = [&["nexus"], page].concat().join("-");
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn a_verb_that_is_none_is_told() {
    let ran = command(&["rnus"], "0.0.0.0:8002", "").output().unwrap();
    let told = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(2), "{told}");
    assert!(told.contains("'runs'"), "{told}");
}
