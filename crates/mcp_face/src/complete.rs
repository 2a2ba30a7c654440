//! Names of models and fields, as they are typed.

use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo, Reference};

use crate::offer::Offer;
use crate::{prompts, resources};

/// So many are told at once.
const MOST: usize = 100;

/// `None`: what is completed is not ours.
pub(crate) fn complete(offer: &Offer, request: &CompleteRequestParams) -> Option<CompleteResult> {
    let ours = match &request.r#ref {
        Reference::Prompt(prompt) => prompts::is_ours(offer, &prompt.name),
        Reference::Resource(resource) => resources::is_ours(&resource.uri),
        _ => false,
    };
    if !ours {
        return None;
    }
    let names: Vec<&str> = match request.argument.name.as_str() {
        "model" => offer.models().map(|model| model.name.as_str()).collect(),
        "field" => {
            let context = request.context.as_ref();
            let chosen = context.and_then(|context| context.get_argument("model"));
            let of = offer
                .models()
                .filter(|model| chosen.is_none_or(|name| *name == model.name));
            let fields = of.flat_map(|model| &model.fields);
            fields.map(|field| field.name.as_str()).collect()
        }
        _ => Vec::new(),
    };
    Some(CompleteResult::new(matching(
        &names,
        &request.argument.value,
    )))
}

/// Those that begin so, then those that have it within, whatever the case of letters.
pub fn matching(names: &[&str], typed: &str) -> CompletionInfo {
    let typed = typed.to_lowercase();
    let begins = |name: &&&str| name.to_lowercase().starts_with(&typed);
    let has = |name: &&&str| !begins(name) && name.to_lowercase().contains(&typed);
    let first = names.iter().filter(begins);
    let mut values: Vec<String> = Vec::new();
    for name in first.chain(names.iter().filter(has)) {
        if !values.iter().any(|value| value == name) {
            values.push((*name).to_owned());
        }
    }
    let total = u32::try_from(values.len()).unwrap_or(u32::MAX);
    let more = values.len() > MOST;
    values.truncate(MOST);
    CompletionInfo::with_pagination(values, Some(total), more)
        .expect("no more than a hundred are told")
}
