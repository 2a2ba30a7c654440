//! One session on every channel: REST and agents through the edge before two replicas, the command line through the edge
//! and in each replica's container, and steps of workflows.

use std::path::PathBuf;

use e2e::engine::{docker, said, until};
use serde_json::{Value, json};

use crate::availability::healthy_again;
use crate::{agents, prod, top};

/// What a step reads and writes, and an output that is easily garbled.
pub(crate) const NOTED: &str = "\
workflow: noted
inputs: { mark: { type: text, required: true } }
steps:
  - { id: seen, node: session.read }
  - { id: noted, node: session.write, with: { set: \"{{ {inputs.mark: true} }}\" } }
outputs: { mark: \"{{ inputs.mark }}\", was: \"{{ seen.state|length }}\", b: [1, null, \"ä\\\"\\n€\"], a: 9007199254740993, c: \"7.50\" }
";

fn certificate() -> PathBuf {
    prod().folder.join(".gantry/secrets/edge_certificate")
}

struct Session {
    id: String,
    key: String,
}

impl Session {
    fn rest(&self, node: &str, input: &Value) -> Value {
        let edge = prod().edge.of(Some(&self.key));
        let path = format!("/api/v1/call/{node}");
        let answer = edge.request("POST", &path, &[], Some(input)).unwrap();
        let told = answer.json().unwrap();
        assert!(answer.status < 300, "{told}");
        told
    }

    fn state(&self) -> Value {
        self.rest("session.read", &json!({"id": self.id}))["state"].take()
    }

    /// A verb through the edge.
    fn outside(&self, arguments: &[&str]) -> Value {
        let certificate = certificate();
        let address = prod().edge.address().to_owned();
        let server = [
            "--url",
            &address,
            "--ca-file",
            certificate.to_str().unwrap(),
        ];
        let arguments = [
            arguments,
            &server,
            &["--key", &self.key, "--output", "json"],
        ]
        .concat();
        said(e2e::binary().unwrap(), arguments, []).json()
    }

    /// A verb in a container of nexus.
    fn inside(&self, container: &str, arguments: &[&str]) -> Value {
        let key = format!("GANTRY_KEY={}", self.key);
        let program = [
            "exec", "--env", &key, container, "/nexus", "--output", "json",
        ];
        docker([&program, arguments].concat()).json()
    }

    fn agent(&self, era: &str) -> Value {
        let variables = [
            ("URL", format!("{}/nexus/mcp", prod().edge.address())),
            ("KEY", self.key.clone()),
            ("CERTIFICATE", certificate().to_string_lossy().into_owned()),
            ("ERA", era.to_owned()),
            ("SESSION", self.id.clone()),
        ];
        let script = top().join("e2e/tests/stack/agents/session.py");
        said(agents::python(), [script], variables).json()
    }
}

#[test]
fn one_session_goes_from_channel_to_channel_and_survives_every_kill() {
    let key = agents::key(prod());
    let opened = prod().edge.of(Some(&key)).request(
        "POST",
        "/api/v1/call/session.open",
        &[],
        Some(&json!({"state": {"rest": "ä"}})),
    );
    let id = opened.unwrap().json().unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let session = Session { id, key };
    let id = session.id.as_str();
    let mut expected = json!({"rest": "ä"});

    let replicas = prod().containers("nexus");
    assert_eq!(replicas.len(), 2);
    for (number, replica) in replicas.iter().enumerate() {
        let seen = session.inside(replica, &["sessions", "show", id]);
        assert_eq!(seen["state"], expected, "at {replica}");
        let name = format!("inside{number}");
        session.inside(replica, &["sessions", "set", id, &format!("{name}=1")]);
        expected[&name] = json!(1);
    }
    assert_eq!(
        session.outside(&["sessions", "show", id])["state"],
        expected
    );
    session.outside(&["sessions", "set", id, "outside=2"]);
    expected["outside"] = json!(2);

    for era in ["legacy", "auto"] {
        let told = session.agent(era);
        assert_eq!(told["held"], expected, "{era}");
        expected[format!("agent_{era}")] = json!(true);
        expected[format!("step_{era}")] = json!(true);
        // Whichever replica is asked.
        for _ in 0..4 {
            assert_eq!(session.state(), expected);
        }
    }

    for service in ["nexus", "dataflow", "redis"] {
        let containers = prod().containers(service);
        for container in &containers {
            docker(["kill", container]).unwrap();
        }
        for container in &containers {
            docker(["start", container]).unwrap();
        }
        for container in &containers {
            healthy_again(container);
        }
    }
    until("the edge finds nexus", || {
        prod()
            .edge
            .get("/nexus/v1/workflows")
            .ok()
            .filter(|told| told.status == 200)
    });
    assert_eq!(session.state(), expected);
    assert_eq!(
        session.outside(&["sessions", "show", id])["state"],
        expected
    );
    assert_eq!(session.agent("auto")["held"], expected);

    // Another's credential has nothing of it.
    let other = Session {
        id: id.to_owned(),
        key: agents::key(prod()),
    };
    let edge = prod().edge.of(Some(&other.key));
    let refused = edge.request(
        "POST",
        "/api/v1/call/session.read",
        &[],
        Some(&json!({"id": id})),
    );
    assert_eq!(refused.unwrap().status, 404);
}

/// The bytes of `"output":…` in a run as JSON text.
fn output_of(text: &str) -> &str {
    let (_, rest) = text
        .split_once("\"output\":")
        .unwrap_or_else(|| panic!("{text}"));
    let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
    stream.next().unwrap().unwrap();
    &rest[..stream.byte_offset()]
}

#[test]
fn the_same_input_gives_the_same_bytes_on_every_channel() {
    let key = agents::key(prod());
    let edge = prod().edge.of(Some(&key));
    let open = || {
        let opened = edge.request("POST", "/api/v1/call/session.open", &[], Some(&json!({})));
        opened.unwrap().json().unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let path = "/nexus/v1/workflows/noted/runs";
    let input = json!({"mark": "m"});
    let id = open();
    let rest = edge
        .request("POST", path, &[("Gantry-Session", &id)], Some(&input))
        .unwrap();
    let rest = output_of(&rest.text()).to_owned();
    assert!(
        rest.contains("9007199254740993") && rest.contains("7.50"),
        "{rest}"
    );

    let session = open();
    let run = [
        "run",
        "noted",
        "-f",
        "mark=m",
        "--session",
        &session,
        "--output",
        "json",
    ];
    let name = format!("GANTRY_KEY={key}");
    let container = &prod().containers("nexus")[0];
    let inside = docker([&["exec", "--env", &name, container, "/nexus"][..], &run].concat());
    assert_eq!(inside.unwrap(), rest);

    let agent = e2e::Agent::at(&edge, "/nexus/mcp");
    let params = json!({"name": "noted", "arguments": {"mark": "m", "session": open()}});
    let answer = agent.answer("tools/call", params).unwrap();
    assert_eq!(output_of(&answer.text()), rest);
}
