//! Workflows that are offered as prompts: what they answer is what a conversation goes on with.

use flow::DataUri;
use mcp_face::Asker;
use rmcp::RoleServer;
use rmcp::model::{
    ContentBlock, ErrorData, GetPromptRequestParams, GetPromptResponse, GetPromptResult, Prompt,
    PromptArgument, PromptMessage, ResourceContents, Role,
};
use rmcp::service::RequestContext;
use serde_json::Value;
use wire::{Catalogue, NodeInfo, Primitive, nearest};

use super::call::{Carried, Request, finished};
use super::{media, outcome, task, text, tool};
use crate::asking::Asking;

/// The address of what a prompt holds and says no address of.
const OUTPUT: &str = "gantry://prompts/output";

pub(super) fn all(catalogue: &Catalogue, asker: &Asker) -> Vec<Prompt> {
    prompts(catalogue, asker).map(shown).collect()
}

fn prompts<'a>(catalogue: &'a Catalogue, asker: &Asker) -> impl Iterator<Item = &'a NodeInfo> {
    tool::offered(catalogue, asker).filter(|node| node.primitive == Primitive::Prompt)
}

pub(super) fn find<'a>(
    catalogue: &'a Catalogue,
    asker: &Asker,
    name: &str,
) -> Option<&'a NodeInfo> {
    prompts(catalogue, asker).find(|node| node.name.verb() == name)
}

fn shown(node: &NodeInfo) -> Prompt {
    let name = node.name.verb();
    let schema = node.input.tree();
    let required = schema["required"].as_array();
    let must = |name: &str| required.is_some_and(|names| names.iter().any(|other| other == name));
    let inputs = schema["properties"].as_object();
    let argument = |(name, input): (&String, &Value)| {
        let argument = PromptArgument::new(name).with_required(must(name));
        match input["description"].as_str() {
            Some(about) => argument.with_description(about),
            None => argument,
        }
    };
    let arguments: Vec<_> = inputs.into_iter().flatten().map(argument).collect();
    let arguments = (!arguments.is_empty()).then_some(arguments);
    Prompt::new(name, Some(node.about.clone()), arguments).with_title(tool::title(name))
}

pub(super) async fn get(
    asking: &Asking,
    asker: &Asker,
    request: GetPromptRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<GetPromptResponse, ErrorData> {
    let catalogue = asking.app.calls.catalogue(&asker.identity.caller).await;
    let catalogue = catalogue.map_err(|problem| task::protocol_error(&problem))?;
    let Some(node) = find(&catalogue, asker, &request.name) else {
        let names = prompts(&catalogue, asker).map(|node| node.name.verb());
        let near = nearest(names, &request.name);
        let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        let message = format!("there is no prompt `{}`{near}", request.name);
        return Err(ErrorData::invalid_params(message, None));
    };
    let given = request.arguments.unwrap_or_default();
    let request = Request {
        arguments: text::typed(&node.input.tree(), given),
        responses: request.input_responses,
        state: request.request_state,
    };
    match finished(asking, node, request, context).await? {
        Carried::Asks(more) => Ok(more.into()),
        Carried::Task(run) => Err(outcome::unfinished(&run, &[])),
        Carried::Run(run, steps) => {
            let most = asking.app.agents.limits.bytes;
            let output = outcome::output(&run, &steps, most)?;
            let result = GetPromptResult::new(messages(output));
            Ok(result.with_description(node.about.clone()).into())
        }
    }
}

/// Of a list each item, else the whole is one.
fn messages(output: Value) -> Vec<PromptMessage> {
    match output {
        Value::Array(items) => items.into_iter().map(message).collect(),
        one => vec![message(one)],
    }
}

/// `{role: assistant, content: …}`, or what the user says.
fn message(value: Value) -> PromptMessage {
    let role = match value["role"].as_str() {
        Some("user") => Some(Role::User),
        Some("assistant") => Some(Role::Assistant),
        _ => None,
    };
    match (role, value) {
        (Some(role), Value::Object(mut members)) if members.contains_key("content") => {
            let content = members.remove("content").unwrap_or_default();
            PromptMessage::new(role, block(content))
        }
        (_, value) => PromptMessage::new(Role::User, block(value)),
    }
}

/// A text; a data URI as what it holds; `{uri, type?, text}` as a resource; anything else as JSON.
fn block(content: Value) -> ContentBlock {
    if let Value::String(text) = content {
        return match DataUri::parse(&text) {
            Some(data) => media::block(&data, OUTPUT),
            None => ContentBlock::text(text),
        };
    }
    let (Some(uri), Some(text)) = (content["uri"].as_str(), content["text"].as_str()) else {
        return ContentBlock::text(content.to_string());
    };
    let kind = content["type"].as_str();
    let contents = match DataUri::parse(text) {
        Some(data) => media::contents(&data, uri),
        None => ResourceContents::text(text, uri).with_mime_type("text/plain"),
    };
    ContentBlock::resource(match kind {
        Some(kind) => contents.with_mime_type(kind),
        None => contents,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_answered_becomes_messages() {
        let check = |output: Value, expected: Value| {
            assert_eq!(json!(messages(output)), expected);
        };
        let said = |role: &str, text: &str| json!({"role": role, "content": {"type": "text", "text": text}});
        check(json!("Go on."), json!([said("user", "Go on.")]));
        check(json!({"a": 1}), json!([said("user", "{\"a\":1}")]));
        let both = json!(["Hello.", {"role": "assistant", "content": "Hi."}]);
        check(
            both,
            json!([said("user", "Hello."), said("assistant", "Hi.")]),
        );
        let sheet = json!({"uri": "cinema://films/7", "type": "text/markdown", "text": "# Alien"});
        let resource =
            json!({"uri": "cinema://films/7", "mimeType": "text/markdown", "text": "# Alien"});
        let expected =
            json!([{"role": "user", "content": {"type": "resource", "resource": resource}}]);
        check(json!([sheet]), expected);
        let [image] = &messages(json!("data:image/png;base64,iVBO"))[..] else {
            panic!("it is one message");
        };
        let image = json!(image);
        assert_eq!(image["content"]["type"], "image");
        assert_eq!(image["content"]["data"], "iVBO");
    }
}
