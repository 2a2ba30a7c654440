//! `llm.chat`: an endpoint that speaks `OpenAI`'s chat completions.

use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use ureq::http;
use wire::{Code, Problem};

use super::Outside;
use super::arguments::{Arguments, mistake};
use super::web::Web;
use crate::settings::{Chat, Reach};

pub(super) struct Asking {
    web: Web,
    chat: Option<Chat>,
}

impl Asking {
    pub(super) fn new(reach: &Reach) -> Self {
        Self {
            web: Web::trusted(reach),
            chat: reach.chat.clone(),
        }
    }
}

impl Outside for Asking {
    fn name(&self) -> &'static str {
        "llm.chat"
    }

    fn call(&self, input: Value) -> BoxFuture<'_, Result<Value, Problem>> {
        Box::pin(async {
            let chat = self.chat.as_ref().ok_or_else(|| {
                Problem::new(Code::Forbidden)
                    .detail("no language model is set up")
                    .hint("nexus' CHAT_URL, CHAT_KEY_FILE and CHAT_MODEL say which is asked")
            })?;
            let (body, as_json) = body(Arguments::of(input)?, chat)?;
            let url = format!("{}/chat/completions", chat.url.trim_end_matches('/'));
            let mut request = http::Request::post(url).header("content-type", "application/json");
            if let Some(key) = &chat.key {
                request = request.header("authorization", format!("Bearer {key}"));
            }
            let request = request
                .body(body.to_string().into_bytes())
                .map_err(|error| {
                    Problem::new(Code::InvalidInput)
                        .detail(format!("the request cannot be made: {error}"))
                })?;
            let told = self.web.ask(request, None).await?;
            answer(told.status, &told.body, as_json)
        })
    }
}

/// The request's body, and whether its answer is to be JSON.
fn body(mut arguments: Arguments, chat: &Chat) -> Result<(Value, bool), Problem> {
    let mut messages = match arguments.take("messages") {
        Some(Value::Array(messages)) => messages,
        None => Vec::new(),
        Some(_) => return Err(mistake("messages", "wrong_type", "is a list")),
    };
    if let Some(system) = arguments.text("system")? {
        messages.insert(0, json!({"role": "system", "content": system}));
    }
    if let Some(prompt) = arguments.text("prompt")? {
        messages.push(json!({"role": "user", "content": prompt}));
    }
    let model = arguments.text("model")?.or_else(|| chat.model.clone());
    let model = model.ok_or_else(|| {
        mistake(
            "model",
            "required",
            "must be given, since nexus' CHAT_MODEL is not",
        )
    })?;
    let mut body = json!({"model": model, "messages": messages});
    if let Some(most) = arguments.take("max_tokens") {
        body["max_tokens"] = most;
    }
    let format = match arguments.take("json") {
        None | Some(Value::Bool(false)) => None,
        Some(Value::Bool(true)) => Some(json!({"type": "json_object"})),
        Some(schema) => Some(
            json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}),
        ),
    };
    let as_json = format.is_some();
    if let Some(format) = format {
        body["response_format"] = format;
    }
    Ok((body, as_json))
}

fn answer(status: u16, body: &[u8], as_json: bool) -> Result<Value, Problem> {
    let told: Value = serde_json::from_slice(body).unwrap_or_default();
    if status != 200 {
        let code = match status {
            429 => Code::RateLimited,
            500..=599 => Code::Unavailable,
            _ => Code::InvalidInput,
        };
        let why = told["error"]["message"]
            .as_str()
            .unwrap_or("it does not say why");
        return Err(
            Problem::new(code).detail(format!("the language model answers {status}: {why}"))
        );
    }
    let Some(text) = told["choices"][0]["message"]["content"].as_str() else {
        return Err(
            Problem::new(Code::Unavailable).detail("the language model's answer has no text")
        );
    };
    let mut answer = Map::new();
    answer.insert("text".to_owned(), text.into());
    if as_json {
        let read: Value = serde_json::from_str(text).map_err(|error| {
            Problem::new(Code::Unavailable)
                .detail(format!("the language model's answer is no JSON: {error}"))
        })?;
        answer.insert("json".to_owned(), read);
    }
    answer.insert("model".to_owned(), told["model"].clone());
    let usage = &told["usage"];
    answer.insert(
        "usage".to_owned(),
        json!({"input": usage["prompt_tokens"], "output": usage["completion_tokens"]}),
    );
    Ok(Value::Object(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_and_its_answer() {
        let chat = Chat {
            url: String::new(),
            key: None,
            model: Some("small".to_owned()),
        };
        let input = json!({"prompt": "2 + 2?", "system": "Be short.", "json": true});
        let (body, as_json) = body(Arguments::of(input).unwrap(), &chat).unwrap();
        assert_eq!(
            body,
            json!({
                "model": "small",
                "messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "2 + 2?"}],
                "response_format": {"type": "json_object"},
            })
        );
        let told = json!({
            "model": "small-1",
            "choices": [{"message": {"content": "{\"sum\": 4}"}}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 3},
        });
        assert_eq!(
            answer(200, told.to_string().as_bytes(), as_json).unwrap(),
            json!({
                "text": "{\"sum\": 4}",
                "json": {"sum": 4},
                "model": "small-1",
                "usage": {"input": 9, "output": 3},
            })
        );
        let busy = answer(429, b"{\"error\": {\"message\": \"slow down\"}}", false).unwrap_err();
        assert_eq!(
            (busy.code, busy.detail.contains("slow down")),
            (Code::RateLimited, true)
        );
    }
}
