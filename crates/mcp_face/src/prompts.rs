//! Ready-made beginnings for common tasks over a model.

use rmcp::model::{
    ErrorData, GetPromptRequestParams, GetPromptResult, Prompt, PromptArgument, PromptMessage, Role,
};
use wire::ModelInfo;

use crate::guess::guess;
use crate::offer::Offer;

/// One task.
struct Task {
    name: &'static str,
    title: &'static str,
    about: &'static str,
    /// Beside `model`.
    argument: Option<(&'static str, &'static str)>,
    text: fn(&ModelInfo, &str) -> String,
}

const TASKS: &[Task] = &[
    Task {
        name: "explore",
        title: "Explore a model",
        about: "What records there are: how many, of what kinds, from when, and what stands out.",
        argument: None,
        text: |model, _| {
            format!(
                "Explore the records of {0}. First call models_describe with model {0}. Then count them, group them by \
                 the fields whose values repeat, find the range of numbers and dates, and look at a few records. Tell in \
                 at most ten sentences what there is and what stands out, with figures.",
                model.name
            )
        },
    },
    Task {
        name: "answer",
        title: "Answer a question",
        about: "Finds out from the records, and says how.",
        argument: Some(("question", "What you want to know.")),
        text: |model, question| {
            format!(
                "Answer from the records of {0}: {question}\nCall models_describe with model {0} first. Prefer \
                 records_aggregate and records_count to reading many records. Say the filter by which you found it, and \
                 what the records do not tell.",
                model.name
            )
        },
    },
    Task {
        name: "check",
        title: "Check the data",
        about: "Looks for what is missing, doubled or out of range.",
        argument: None,
        text: |model, _| {
            format!(
                "Check the records of {0} for mistakes, changing nothing. Call models_describe with model {0}; then look \
                 for values that are missing where most have one, for records that seem to be there twice, for numbers \
                 and dates out of any sensible range, and for refs that are null. List each kind with its number of \
                 records and three ids as examples.",
                model.name
            )
        },
    },
    Task {
        name: "enter",
        title: "Enter a record",
        about: "Makes a record of what a text says.",
        argument: Some(("text", "What the record is to be made of.")),
        text: |model, text| {
            format!(
                "Make a {0} record of the text below. Call models_describe with model {0}; look first whether such a \
                 record is there already; leave out what the text does not say. Show the values with dry_run, and create \
                 it when I agree.\n\n{text}",
                model.name
            )
        },
    },
];

pub(crate) fn list(offer: &Offer) -> Vec<Prompt> {
    if offer.models().next().is_none() {
        return Vec::new();
    }
    let prompt = |task: &Task| {
        let model = PromptArgument::new("model")
            .with_description("The model's name.")
            .with_required(true);
        let mut arguments = vec![model];
        if let Some((name, about)) = task.argument {
            let argument = PromptArgument::new(name)
                .with_description(about)
                .with_required(true);
            arguments.push(argument);
        }
        Prompt::new(task.name, Some(task.about), Some(arguments)).with_title(task.title)
    };
    TASKS.iter().map(prompt).collect()
}

pub(crate) fn is_ours(offer: &Offer, name: &str) -> bool {
    find(offer, name).is_some()
}

/// They are about models; where there are none, the names are free.
fn find(offer: &Offer, name: &str) -> Option<&'static Task> {
    offer.models().next()?;
    TASKS.iter().find(|task| task.name == name)
}

/// `None`: it is not one of these.
pub(crate) fn get(
    offer: &Offer,
    request: &GetPromptRequestParams,
) -> Option<Result<GetPromptResult, ErrorData>> {
    let task = find(offer, &request.name)?;
    Some(filled(offer, task, request))
}

fn filled(
    offer: &Offer,
    task: &Task,
    request: &GetPromptRequestParams,
) -> Result<GetPromptResult, ErrorData> {
    let argument = |name: &str| {
        let given = request.arguments.as_ref().and_then(|all| all.get(name));
        let text = given
            .and_then(|value| value.as_str())
            .filter(|text| !text.is_empty());
        text.ok_or_else(|| ErrorData::invalid_params(format!("`{name}` must be given"), None))
    };
    let name = argument("model")?;
    let model = offer.model(name);
    let model = model.ok_or_else(|| {
        let guess = guess(offer.models().map(|model| model.name.as_str()), name);
        let message = format!("there is no model `{name}`{guess}");
        ErrorData::invalid_params(message, None)
    })?;
    let other = match task.argument {
        Some((name, _)) => argument(name)?,
        None => "",
    };
    let text = (task.text)(model, other);
    let message = PromptMessage::new_text(Role::User, text);
    Ok(GetPromptResult::new(vec![message]).with_description(task.about))
}
