//! Agents over MCP, through the edge and at each replica: their tools, their sessions, and what they cost.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::engine::{docker, inspect, said, until};
use e2e::{Agent, Edge, Stack};
use serde_json::{Value, json};

use crate::availability::healthy_again;
use crate::development::dev;
use crate::{asked, prod, top};

/// As `deploy/compose/compose.yaml` gives it.
const MEMORY_KIB: u64 = 64 << 10;
/// From the signal to the end; the engine would kill it after 35 s.
const STOP: Duration = Duration::from_secs(30);

/// An agent's key, which may change records.
pub(crate) fn key(stack: &Stack) -> String {
    let wanted = json!({
        "name": "agent", "roles": ["admin"], "scopes": ["gantry:read", "gantry:write"],
    });
    let path = "/api/v1/call/key.create";
    let made = stack.edge.request("POST", path, &[], Some(&wanted));
    let made = made.unwrap().json().unwrap();
    made["token"]
        .as_str()
        .unwrap_or_else(|| panic!("{made}"))
        .to_owned()
}

fn edge() -> Edge {
    prod().edge.of(Some(&key(prod())))
}

/// The first films; the same question for every agent.
fn films(agent: &Agent, limit: u64) -> anyhow::Result<Value> {
    let question = json!({"model": "Film", "order": ["title"], "limit": limit});
    let answer = agent.call("records_list", &question)?;
    let count = answer["records"].as_array().map_or(0, Vec::len) as u64;
    anyhow::ensure!(count == limit, "{count} records: {answer}");
    Ok(answer)
}

#[test]
fn tools_are_listed_and_called_in_both_eras() {
    let edge = edge();
    for agent in [Agent::new(&edge), Agent::with_session(&edge).unwrap()] {
        let told = agent.ask("tools/list", json!({})).unwrap();
        let tools = told["tools"].as_array().unwrap();
        assert!(tools.len() <= 16, "{} tools", tools.len());
        assert!(
            tools.iter().any(|tool| tool["name"] == "records_create"),
            "{told}"
        );
        films(&agent, 3).unwrap();
    }
}

#[test]
fn nobody_without_a_credential_is_let_in_and_is_told_where_to_get_one() {
    let edge = &prod().edge;
    for stranger in [edge.of(None), edge.of(Some("gk_unknown_unknown"))] {
        let refused = Agent::new(&stranger)
            .answer("tools/list", json!({}))
            .unwrap();
        assert_eq!(refused.status, 401);
        let challenge = refused.header("www-authenticate").unwrap().to_owned();
        let metadata = "/.well-known/oauth-protected-resource/mcp";
        let address = format!("resource_metadata=\"{}{metadata}\"", edge.address());
        assert!(challenge.contains(&address), "{challenge}");
        let told = stranger.get(metadata).unwrap().json().unwrap();
        assert_eq!(
            told["resource"],
            format!("{}/mcp", edge.address()),
            "{told}"
        );
        let upgrade = [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
        ];
        let refused = stranger.request("GET", "/ws", &upgrade, None).unwrap();
        assert_eq!(refused.status, 401);
    }
}

#[test]
fn a_page_of_another_origin_and_a_foreign_name_are_refused() {
    let edge = edge();
    for header in [("Origin", "https://evil.example"), ("Host", "evil.example")] {
        let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
        let refused = edge
            .request("POST", "/mcp", &[header], Some(&ping))
            .unwrap();
        assert_eq!(refused.status, 403, "{header:?}");
    }
}

/// What a program under `agents` says, told by variables what to ask.
fn run(program: &Path, script: &str, variables: &[(&'static str, String)]) -> String {
    let script = top().join("e2e/tests/stack/agents").join(script);
    said(program, [script], variables.to_vec()).unwrap()
}

/// Films by an official client, in both eras: at a replica of the development stack, and through the edge before two.
fn official(program: &Path, script: &str, more: &[(&'static str, String)]) {
    let at_replica = format!("http://localhost:{}/mcp", dev().ports.mcp);
    let through_edge = format!("{}/mcp", prod().edge.address());
    for (stack, url) in [(dev(), at_replica), (prod(), through_edge)] {
        let certificate = stack.folder.join(".gantry/secrets/edge_certificate");
        let certificate = certificate.to_string_lossy().into_owned();
        let key = key(stack);
        for (era, version) in [("legacy", "2025-11-25"), ("auto", "2026-07-28")] {
            let mut variables = vec![
                ("URL", url.clone()),
                ("KEY", key.clone()),
                ("CERTIFICATE", certificate.clone()),
                ("NODE_EXTRA_CA_CERTS", certificate.clone()),
                ("ERA", era.to_owned()),
            ];
            variables.extend(more.iter().cloned());
            let told = run(program, script, &variables);
            assert_eq!(told, version, "{url}, {era}");
        }
    }
}

pub(crate) fn python() -> PathBuf {
    e2e::target().unwrap().join("testkit/clients/bin/python")
}

#[test]
fn the_official_client_in_python_lists_reads_pages_and_creates() {
    official(&python(), "films.py", &[]);
}

#[test]
fn the_official_client_in_typescript_lists_reads_pages_and_creates() {
    let testkit = e2e::target().unwrap().join("testkit");
    let node = testkit.join("node/bin/node");
    let modules = testkit.join("conformance").to_string_lossy().into_owned();
    official(&node, "films.mjs", &[("MODULES", modules)]);
}

/// On the network that it shares with the edge.
fn address_of(container: &str) -> String {
    let networks = inspect(container)["NetworkSettings"]["Networks"].take();
    let network = &networks[format!("{}_app", prod().name)];
    network["IPAddress"].as_str().unwrap().to_owned()
}

#[test]
fn a_session_outlives_a_restart_of_every_replica() {
    let agent = Agent::with_session(&edge()).unwrap();
    films(&agent, 1).unwrap();
    for container in prod().containers("mcp") {
        docker(["restart", &container]).unwrap();
        healthy_again(&container);
    }
    films(&agent, 1).unwrap();
}

#[test]
fn a_session_is_its_owners_at_every_replica() {
    let agent = Agent::with_session(&edge()).unwrap();
    let other = agent.of(&edge());
    // Of an unknown session nobody learns more than that.
    let answer = other.answer("tools/list", json!({})).unwrap();
    assert_eq!(answer.status, 404);
    films(&agent, 1).unwrap();
}

/// SIGTERM, and a start after it has ended well and in time.
pub(crate) fn replace(container: &str) {
    let begun = Instant::now();
    docker(["stop", container]).unwrap();
    let took = begun.elapsed();
    let state = inspect(container)["State"].take();
    assert_eq!(state["ExitCode"], 0, "{state}");
    assert!(took < STOP, "it ended after {took:?}");
    docker(["start", container]).unwrap();
    healthy_again(container);
}

/// Calls of several agents while `during` happens again and again, until so many are done. Returns how many, and what
/// was lost.
fn under_load(wanted: u64, limit: u64, during: impl Fn()) -> (u64, Vec<String>) {
    let edge = edge();
    let (done, over, lost) = (AtomicU64::new(0), AtomicBool::new(false), Mutex::default());
    thread::scope(|scope| {
        for client in 0..8 {
            let (edge, done, over, lost) = (&edge, &done, &over, &lost);
            scope.spawn(move || {
                let agent = if client % 2 == 0 {
                    Agent::new(edge)
                } else {
                    Agent::with_session(edge).unwrap()
                };
                while !over.load(Ordering::Relaxed) {
                    if let Err(error) = films(&agent, limit) {
                        let lost: &Mutex<Vec<String>> = lost;
                        lost.lock().unwrap().push(format!("{error:#}"));
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        during();
        while done.load(Ordering::Relaxed) < wanted {
            during();
        }
        over.store(true, Ordering::Relaxed);
    });
    (done.into_inner(), lost.into_inner().unwrap())
}

#[test]
fn replacing_the_replicas_loses_no_call() {
    let begun = Instant::now();
    let wanted = asked("GANTRY_TEST_CALLS", 1_000);
    let (done, lost) = under_load(wanted, 3, || {
        for container in prod().containers("mcp") {
            replace(&container);
        }
    });
    println!(
        "{done} calls in {:?}, both replicas replaced again and again",
        begun.elapsed()
    );
    let some = &lost[..lost.len().min(3)];
    assert!(lost.is_empty(), "{} lost: {some:#?}", lost.len());
}

/// The most that a process has held, in KiB.
pub(crate) fn peak_kib(container: &str) -> u64 {
    let pid = inspect(container)["State"]["Pid"].to_string();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.unwrap().parse().unwrap()
}

#[test]
fn under_load_the_memory_stays_below_its_limit() {
    let (done, lost) = under_load(asked("GANTRY_TEST_CALLS", 1_000), 100, || {
        thread::sleep(Duration::from_millis(100));
    });
    assert_eq!(lost.first(), None);
    for container in prod().containers("mcp") {
        let (peak, told) = (peak_kib(&container), inspect(&container));
        println!("{peak} KiB at most after {done} calls of 100 films");
        assert!(peak < MEMORY_KIB, "{peak} KiB");
        assert_eq!(told["HostConfig"]["Memory"], MEMORY_KIB << 10);
        assert_eq!(told["RestartCount"], 0);
        assert_eq!(told["State"]["OOMKilled"], false);
    }
}

#[test]
fn a_thousand_idle_connections_cost_little() {
    let container = prod().containers("mcp").remove(0);
    // From a fresh start: nothing of what other tests left counts.
    replace(&container);
    let pid = inspect(&container)["State"]["Pid"].to_string();
    let variables = [
        ("ADDRESS", address_of(&container)),
        ("KEY", key(prod())),
        ("PID", pid),
        ("COUNT", "1000".to_owned()),
    ];
    let told = run(&python(), "idle.py", &variables);
    let held: Vec<u64> = told
        .split(' ')
        .map(|number| number.parse().unwrap())
        .collect();
    println!(
        "{} KiB before, {} KiB with 1,000 connections",
        held[0], held[1]
    );
    assert!(held[1] <= 40_000, "{told}");
    until("it is healthy without them", || {
        prod().is_healthy("mcp").then_some(())
    });
}
