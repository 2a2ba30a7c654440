//! Webhooks: who has signed what they send starts a run, and nobody else learns anything.

use std::fmt::Write as _;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::world::{Told, World, everywhere};

const PAID: &str = "
workflow: paid
run_as: editor
inputs: { order: { type: int, required: true } }
steps: [{ id: film, node: Film.create, with: { title: 'paid {{ inputs.order }}' } }]
outputs: '{{ film.title }}'
triggers:
  - { webhook: shop/paid, secret: shop, with: { order: '{{ body.order }}' } }
";
const PUSHED: &str = "
workflow: pushed
inputs: { ref: { type: text } }
steps: [{ id: said, node: template, with: { text: '{{ inputs.ref }}' } }]
outputs: '{{ said }}'
triggers: [{ webhook: pushed, secret: github }]
";
const LOST: &str = "
workflow: lost
steps: [{ id: said, node: template, with: { text: lost } }]
triggers: [{ webhook: lost, secret: lost }]
";
const SHOP: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const GITHUB: &str = "a secret of GitHub's";

fn mac(key: &[u8], signed: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(signed.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// As Standard Webhooks sign it, so many seconds ago.
fn shop(id: &str, body: &str, ago: u64) -> Vec<(&'static str, String)> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let at = now.as_secs() - ago;
    let key = STANDARD
        .decode(SHOP.strip_prefix("whsec_").unwrap())
        .unwrap();
    let signature = STANDARD.encode(mac(&key, &format!("{id}.{at}.{body}")));
    vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at.to_string()),
        ("webhook-signature", format!("v1,{signature}")),
    ]
}

fn github(id: &str, body: &str) -> Vec<(&'static str, String)> {
    let mac = mac(GITHUB.as_bytes(), body);
    let hex = mac.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    vec![
        ("x-github-delivery", id.to_owned()),
        ("x-hub-signature-256", format!("sha256={hex}")),
    ]
}

async fn send(world: &World, path: &str, headers: &[(&'static str, String)], body: &str) -> Told {
    let mut request = Request::builder()
        .method("POST")
        .uri(format!("/nexus/v1/hooks/{path}"));
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    world
        .send(request.body(Body::from(body.to_owned())).unwrap())
        .await
}

fn write(world: &World) {
    fs::write(world.secrets.join("shop"), format!("{SHOP}\n")).unwrap();
    fs::write(world.secrets.join("github"), GITHUB).unwrap();
}

fn id(told: &Told) -> String {
    assert_eq!(told.status, 202, "{}", told.text);
    assert_eq!(told.header("location"), "");
    let told = told.json();
    assert_eq!(told.as_object().unwrap().len(), 1);
    told["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_signed_starts_one_run_however_often_it_is_sent() {
    everywhere(&[PAID, PUSHED], async |world| {
        write(world);
        let body = json!({"order": 7, "more": "x"}).to_string();
        let first = send(world, "shop/paid", &shop("d1", &body, 0), &body).await;
        let first = id(&first);
        let run = world.until(&first, "succeeded").await;
        assert_eq!(run["output"], "paid 7");
        assert_eq!(run["started_by"], "trigger:0");
        // A sender that heard nothing sends it again, with another time.
        let again = send(world, "shop/paid", &shop("d1", &body, 60), &body).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(id(&again), first);
        let other = send(world, "shop/paid", &shop("d2", &body, 0), &body).await;
        assert_ne!(id(&other), first);

        let body = json!({"ref": "refs/heads/main"}).to_string();
        let pushed = send(world, "pushed", &github("d1", &body), &body).await;
        let pushed = id(&pushed);
        let run = world.until(&pushed, "succeeded").await;
        assert_eq!(run["output"], "refs/heads/main");
        let again = send(world, "pushed", &github("d1", &body), &body).await;
        assert_eq!(id(&again), pushed);

        // A new secret beside the old one is good at once.
        fs::write(world.secrets.join("shop"), format!("new\n{SHOP}\n")).unwrap();
        let body = json!({"order": 8}).to_string();
        id(&send(world, "shop/paid", &shop("d3", &body, 0), &body).await);
        fs::write(world.secrets.join("shop"), "new").unwrap();
        let told = send(world, "shop/paid", &shop("d4", &body, 0), &body).await;
        assert_eq!(told.problem().0, 401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_signed_learns_nothing() {
    everywhere(&[PAID, PUSHED, LOST], async |world| {
        write(world);
        let body = json!({"order": 7}).to_string();
        let other = json!({"order": 70}).to_string();
        let good = shop("d1", &body, 0);
        let mut renamed = shop("d1", &body, 0);
        renamed[0].1 = "d2".to_owned();
        let key = [("authorization", format!("Bearer {}", world.admin))];
        let mut answers = Vec::new();
        for (path, headers, body) in [
            ("shop/paid", &good, &other),
            ("shop/paid", &renamed, &body),
            ("shop/paid", &shop("d1", &body, 400), &body),
            ("shop/paid", &github("d1", &body), &body),
            ("shop/paid", &key.to_vec(), &body),
            ("shop/paid", &Vec::new(), &body),
            ("shop", &good, &body),
            ("none", &good, &body),
            ("shop/../shop/paid", &good, &body),
            ("pushed", &good, &body),
        ] {
            let told = send(world, path, headers, body).await;
            assert_eq!(
                told.problem(),
                (401, "unauthenticated".to_owned()),
                "{path}"
            );
            // A bearer token, which one of them sent, would not help.
            let challenge = told.header("www-authenticate");
            assert_eq!(
                challenge, "Webhook-Signature, X-Hub-Signature-256",
                "{path}"
            );
            let mut problem = told.json();
            for own in ["trace_id", "instance"] {
                problem.as_object_mut().unwrap().remove(own);
            }
            answers.push(problem);
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert!(
            answers[0]["hint"]
                .as_str()
                .unwrap()
                .contains("webhook-signature")
        );

        let large = format!("{{\"order\": 7{}}}", " ".repeat(1 << 20));
        let told = send(world, "shop/paid", &shop("d1", &large, 0), &large).await;
        assert_eq!(told.problem(), (413, "payload_too_large".to_owned()));
        let told = send(world, "shop/paid", &shop("d1", "order=7", 0), "order=7").await;
        assert_eq!(told.problem(), (400, "malformed_body".to_owned()));
        let told = send(world, "shop/paid", &shop("d1", "{}", 0), "{}").await;
        assert_eq!(told.problem(), (422, "invalid_input".to_owned()));
        // Its secret is not there, which is for the log.
        let told = send(world, "lost", &good, &body).await;
        assert_eq!(told.problem(), (503, "unavailable".to_owned()));
        assert!(!told.text.contains("secrets"), "{}", told.text);
        let told = world.ask("GET /hooks/none", &[], &Value::Null).await;
        assert_eq!(told.problem(), (405, "method_not_allowed".to_owned()));
        assert_eq!(world.get("/runs").await, json!([]));
        // All of it was refused before anything was kept under the name.
        id(&send(world, "shop/paid", &good, &body).await);
        let document = world.get("/openapi.json").await;
        let hook = &document["paths"]["/nexus/v1/hooks/{path}"]["post"];
        assert_eq!(hook["tags"], json!(["hooks"]));
        assert_eq!(hook["security"], json!([]));
    })
    .await;
}
