//! `POST /nexus/v1/hooks/{path}`: what others send starts a workflow, where they have signed it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use chassis::Refusal;
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;
use wire::run::{Hook, Hooks};
use wire::{Body, Call, Caller, Calls, Code, Meta, NodeName, Problem, Trace};

use crate::App;
use crate::asked::{Asked, json as json_answer};
use crate::asking::read;
use crate::signature::Secrets;
use crate::workflows::REPLAYED;

const CALL: Duration = Duration::from_secs(30);
/// All webhooks of a project.
const LARGEST_ANSWER: usize = 16 << 20;
/// The pause before dataflow is asked again for the first time.
const PAUSE: Duration = Duration::from_secs(5);
/// A 401 names what would help, and a bearer token would not. No scheme is registered for either form, so each is called
/// by the header that it is sent in.
const CHALLENGE: &str = "Webhook-Signature, X-Hub-Signature-256";

/// Answers that the run was begun, and no more: whoever sends may not read runs.
pub(crate) async fn take_in(
    asked: &Asked,
    path: &str,
) -> Result<Response<axum::body::Body>, Refusal> {
    let calls = &asked.by.app.calls;
    let hooks: Hooks = read(&ask(calls, "hooks", &json!({}), asked.by.trace).await?.1)?;
    let hook = hooks.hooks.into_iter().find(|hook| hook.path == path);
    // Where there is none the same is done, so that nobody learns which there are.
    let secrets = match &hook {
        Some(hook) => secrets(&asked.by.app.hook_secrets, &hook.secret).map_err(|why| {
            tracing::error!(path, "{why}");
            Problem::new(Code::Unavailable)
                .detail("what is sent here cannot be checked now")
                .hint("send it again later")
        })?,
        None => Secrets::parse("none").map_err(|_| unsigned())?,
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let delivery = secrets.check(&asked.headers, &asked.body, now.as_secs());
    let (Some(hook), Some(delivery)) = (hook, delivery) else {
        return Err(unsigned());
    };
    let told = Hook {
        path: hook.path,
        delivery: delivery.id,
        body: body(&asked.body)?,
    };
    let (meta, answer) = ask(calls, "hook", &told, asked.by.trace).await?;
    let mut response = json_answer(StatusCode::ACCEPTED, answer);
    if meta.replayed {
        let headers = response.headers_mut();
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Says once which secrets of webhooks are not there, as soon as dataflow says which there should be.
pub async fn tell_of_missing_secrets(app: &App, stopping: CancellationToken) {
    let telling = async {
        let hooks = loop {
            let trace = Trace::random();
            let answer = ask(&app.calls, "hooks", &json!({}), trace).await;
            match answer.and_then(|(_, answer)| read::<Hooks>(&answer)) {
                Ok(hooks) => break hooks,
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        };
        for hook in hooks.hooks {
            if let Err(why) = secrets(&app.hook_secrets, &hook.secret) {
                tracing::warn!(path = hook.path, "{why}");
            }
        }
    };
    stopping.run_until_cancelled(telling).await;
}

/// The hidden node `run.<verb>`.
async fn ask(
    calls: &Arc<dyn Calls>,
    verb: &str,
    input: &impl Serialize,
    trace: Trace,
) -> Result<(Meta, Bytes), Problem> {
    let garbled = |error| Problem::new(Code::Internal).detail(format!("run.{verb}: {error}"));
    let input = serde_json::to_vec(input).map_err(garbled)?;
    let node = NodeName::of_model("run", verb);
    let call = Call {
        deadline: Some(Instant::now() + CALL),
        trace,
        ..Call::new(node, Caller::Anonymous, Body::json(input))
    };
    let answer = calls.call(call).await?;
    Ok((answer.meta, answer.body.collect(LARGEST_ANSWER).await?))
}

/// Read each time, so that a new one is good at once.
fn secrets(folder: &Path, name: &str) -> Result<Secrets, String> {
    let file = folder.join(name);
    let text = std::fs::read_to_string(&file).map_err(|error| error.to_string());
    let secrets = text.and_then(|text| Secrets::parse(&text).map_err(str::to_owned));
    secrets.map_err(|why| {
        let file = file.display();
        format!("Webhooks that are signed with the secret `{name}` are refused: the file {file} cannot be used: {why}")
    })
}

fn unsigned() -> Refusal {
    let problem = Problem::new(Code::Unauthenticated)
        .detail("there is no good signature of the body by the secret of a webhook of this path")
        .hint(
            "send webhook-id, webhook-timestamp (of the last 5 minutes) and webhook-signature (v1, and the base64 of the \
             HMAC-SHA256 of id.timestamp.body), or x-hub-signature-256 (sha256= and the HMAC-SHA256 of the body in hex)",
        );
    Refusal::from(problem).challenge(CHALLENGE)
}

fn body(text: &[u8]) -> Result<Box<RawValue>, Problem> {
    serde_json::from_slice(text).map_err(|error| {
        Problem::new(Code::MalformedBody)
            .detail(format!("the body is no JSON: {error}"))
            .hint("let the sender write application/json")
    })
}
