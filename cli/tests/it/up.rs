//! `gantry up` from its first start to its end, and the verbs that call it from outside.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command};

use serde_json::Value;

use crate::wrong_turns::project;
use crate::{Ran, command, gantry};

/// A platform that serves; killed where a test fails before it stops.
struct Up {
    child: Child,
    /// What it told once it served.
    told: Value,
}

impl Up {
    fn start(folder: &tempfile::TempDir, more: &[&str]) -> Self {
        let path = folder.path().to_str().unwrap();
        let any = "127.0.0.1:0";
        let args = [
            "up",
            path,
            "--listen",
            any,
            "--ops-listen",
            any,
            "--output",
            "json",
        ];
        let mut child = command(&[&args, more].concat()).spawn().unwrap();
        let mut line = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let told = serde_json::from_str(&line).unwrap_or_else(|error| {
            let mut why = String::new();
            let mut stderr = child.stderr.take().unwrap();
            stderr.read_to_string(&mut why).unwrap();
            panic!("{error}: {line}{why}")
        });
        Self { child, told }
    }

    fn text(&self, key: &str) -> &str {
        self.told[key].as_str().unwrap()
    }

    fn call(&self, key: Option<&str>, args: &[&str]) -> Ran {
        let credential = key.map_or(Vec::new(), |key| vec!["--key", key]);
        gantry(&[args, &["--url", self.text("url")], &credential].concat())
    }

    /// As Ctrl-C does; the exit code.
    fn stop(mut self) -> Option<i32> {
        #[expect(clippy::disallowed_methods, reason = "a signal is what is tested")]
        let mut kill = Command::new("kill");
        let signalled = kill.args(["-INT", &self.child.id().to_string()]).status();
        assert!(signalled.unwrap().success());
        self.child.wait().unwrap().code()
    }
}

/// The whole answer of a server that closes after it.
fn http(url: &str, request: &str, body: &str) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let head = "Host: x\r\nConnection: close\r\nContent-Type: application/json";
    write!(
        stream,
        "{request} HTTP/1.1\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

impl Drop for Up {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_first_start_makes_a_key_and_loads_the_seeds_and_the_second_does_not() {
    let folder = project();
    let up = Up::start(&folder, &[]);
    let key = up.text("key").to_owned();
    let count = ["call", "Book.count", "--output", "json"];
    assert_eq!(up.call(None, &count).json()["count"], 8);

    let create = [
        "call",
        "Book.create",
        "-f",
        "title=Nana",
        "-f",
        "price=7.50",
    ];
    assert_eq!(up.call(None, &create).code, 5, "no key, no write");
    up.call(Some(&key), &create).ok();
    let seeded = up.call(Some(&key), &["seed", "-C", folder.path().to_str().unwrap()]);
    assert!(seeded.ok().contains("unchanged"));
    assert_eq!(up.stop(), Some(0));

    let up = Up::start(&folder, &[]);
    assert_eq!(up.told["key"], Value::Null, "a key is shown once");
    assert_eq!(up.call(None, &count).json()["count"], 9);
    let models = up.call(None, &["models", "--output", "json"]).json();
    assert_eq!(models[1]["name"], "Book");
    assert_eq!(up.stop(), Some(0));
}

#[test]
fn keys_are_made_listed_and_revoked() {
    let folder = project();
    let up = Up::start(&folder, &["--no-seed"]);
    let admin = up.text("key").to_owned();
    let create = ["keys", "create", "--role", "editor"];
    let made = up.call(Some(&admin), &create).ok();
    let editor = made.trim();
    let write = ["call", "Author.create", "-f", "name=Zola"];
    up.call(Some(editor), &write).ok();
    let list = up.call(Some(editor), &["keys", "list"]);
    assert_eq!(list.code, 4, "only admins see keys: {list}");

    let path = folder.path().to_str().unwrap();
    let made = gantry(&[&create[..], &["-C", path, "--output", "json"]].concat()).json();
    let (id, token) = (
        made["id"].as_str().unwrap(),
        made["token"].as_str().unwrap(),
    );
    let list = gantry(&["keys", "list", "-C", path]).ok();
    assert!(list.contains(id) && !list.contains(token), "{list}");
    gantry(&["keys", "revoke", id, "-C", path]).ok();
    let denied = up.call(Some(token), &["call", "Author.list"]);
    assert_eq!(denied.code, 5, "{denied}");
    assert_eq!(up.stop(), Some(0));
}

#[test]
fn an_open_platform_asks_for_no_key() {
    let folder = project();
    let up = Up::start(&folder, &["--open", "--no-seed"]);
    let made = up.call(
        None,
        &[
            "call",
            "Author.create",
            "-f",
            "name=Zola",
            "--output",
            "json",
        ],
    );
    let id = made.json()["id"].as_str().unwrap().to_owned();
    up.call(None, &["call", "Author.delete", "-f", &format!("id={id}")])
        .ok();
    assert_eq!(up.stop(), Some(0));
}

#[test]
fn the_limits_of_the_project_hold_and_requests_are_counted() {
    let folder = project();
    let settings = folder.path().join("gantry.yaml");
    let mut file = OpenOptions::new().append(true).open(settings).unwrap();
    writeln!(file, "limits: {{ body_bytes: 100B }}").unwrap();
    let up = Up::start(&folder, &["--open", "--no-seed"]);
    let body = format!("{{\"name\": \"{}\"}}", "Zola".repeat(30));
    let refused = http(up.text("url"), "POST /api/v1/author", &body);
    assert!(refused.starts_with("HTTP/1.1 413"), "{refused}");
    let made = http(
        up.text("url"),
        "POST /api/v1/author",
        "{\"name\": \"Zola\"}",
    );
    assert!(made.starts_with("HTTP/1.1 201"), "{made}");
    let metrics = http(up.text("ops_url"), "GET /metrics", "");
    let counted = "gantry_request_duration_seconds_count";
    assert!(metrics.contains(counted), "{metrics}");
    assert_eq!(up.stop(), Some(0));
}

#[test]
fn changes_are_printed_as_they_happen_until_the_server_stops() {
    let folder = project();
    let up = Up::start(&folder, &["--open"]);
    let url = up.text("url").to_owned();
    let args = [
        "changes", "--model", "Book", "--url", &url, "--output", "json",
    ];
    let mut listener = command(&args).spawn().unwrap();
    let stdout = listener.stdout.take().unwrap();
    let (tell, lines) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut lines = BufReader::new(stdout).lines();
        lines.try_for_each(|line| tell.send(line.unwrap()))
    });
    // It does not say when it begins to listen, so records are made until one is told.
    let tries = 1_000;
    let told = (0..tries).find_map(|number| {
        let title = format!("title=Nana {number}");
        let create = ["call", "Book.create", "-f", &title, "-f", "price=7.50"];
        up.call(None, &create).ok();
        lines.try_recv().ok()
    });
    let line: Value = serde_json::from_str(&told.expect("one of them is told")).unwrap();
    assert_eq!(
        (&line["model"], &line["op"]),
        (&"Book".into(), &"create".into())
    );
    assert_eq!(up.stop(), Some(0));
    let ended = listener.wait_with_output().unwrap();
    reader.join().unwrap().unwrap();
    let why = String::from_utf8(ended.stderr).unwrap();
    assert!(
        ended.status.success() && why.contains("go on with --since "),
        "{why}"
    );
}
