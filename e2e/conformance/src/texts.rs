//! Prompts and resources.

use rmcp::model::{
    CacheScope, ContentBlock, ErrorData, GetPromptRequestParams, GetPromptResult, PromptMessage,
    ReadResourceResult, ResourceContents, Role,
};
use serde_json::json;

use crate::table::Table;

const TEMPLATE: (&str, &str) = ("test://template/", "/data");

/// `None`: there is no such prompt.
pub(crate) fn prompt(table: &Table, request: &GetPromptRequestParams) -> Option<GetPromptResult> {
    let argument = |name: &str| {
        let arguments = request.arguments.as_ref();
        let value = arguments.and_then(|arguments| arguments.get(name)?.as_str());
        value.unwrap_or_default()
    };
    let text = |text: String| PromptMessage::new_text(Role::User, text);
    let messages = match request.name.as_str() {
        "test_simple_prompt" => vec![text("This is a simple prompt for testing.".to_owned())],
        "test_prompt_with_arguments" => vec![text(format!(
            "Prompt with arguments: arg1='{}', arg2='{}'",
            argument("arg1"),
            argument("arg2")
        ))],
        "test_prompt_with_embedded_resource" => {
            let embedded = ResourceContents::text(
                "Embedded resource content for testing.",
                argument("resourceUri"),
            );
            let embedded = ContentBlock::resource(embedded.with_mime_type("text/plain"));
            vec![
                PromptMessage::new(Role::User, embedded),
                text("Please process the embedded resource above.".to_owned()),
            ]
        }
        "test_prompt_with_image" => vec![
            PromptMessage::new(Role::User, ContentBlock::image(&*table.image, "image/png")),
            text("Please analyze the image above.".to_owned()),
        ],
        "test_input_required_result_prompt" => {
            vec![text("The context is what was answered.".to_owned())]
        }
        _ => return None,
    };
    Some(GetPromptResult::new(messages))
}

pub(crate) fn resource(table: &Table, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let (start, end) = TEMPLATE;
    let id = uri
        .strip_prefix(start)
        .and_then(|rest| rest.strip_suffix(end));
    let contents = match (uri, id) {
        ("test://static-text", _) => {
            ResourceContents::text("This is the content of the static text resource.", uri)
                .with_mime_type("text/plain")
        }
        ("test://watched-resource", _) => {
            ResourceContents::text("Nothing happened yet.", uri).with_mime_type("text/plain")
        }
        ("test://static-binary", _) => {
            ResourceContents::blob(&*table.image, uri).with_mime_type("image/png")
        }
        (_, Some(id)) => {
            let data =
                json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
            ResourceContents::text(data.to_string(), uri).with_mime_type("application/json")
        }
        _ => {
            let data = json!({"uri": uri});
            return Err(ErrorData::resource_not_found(
                "Resource not found",
                Some(data),
            ));
        }
    };
    let mut result = ReadResourceResult::new(vec![contents]).with_ttl_ms(60_000);
    result.cache_scope = Some(CacheScope::Public);
    Ok(result)
}
