//! The query strings of a list of runs, and of what becomes of them.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use wire::run::{List, State};
use wire::{Code, Problem, nearest};

const NAMES: [&str; 5] = ["workflow", "state", "session", "limit", "cursor"];

pub(crate) fn list(query: &str) -> Result<List, Problem> {
    let mut list = List::default();
    for (name, value) in pairs(query) {
        let value = value?;
        match name {
            "workflow" => list.workflow = Some(value.into_owned()),
            "session" => list.session = Some(value.into_owned()),
            "cursor" => list.cursor = Some(value.into_owned()),
            "state" => list.state = Some(state(&value)?),
            "limit" => {
                let limit = value
                    .parse()
                    .ok()
                    .filter(|limit| (1..=1_000).contains(limit));
                let wrong = || mistake(format!("`limit` is 1 to 1000, not `{value}`"));
                list.limit = Some(limit.ok_or_else(wrong)?);
            }
            _ => {
                return Err(unknown(
                    &format!("runs are not listed by `{name}`"),
                    name,
                    &NAMES,
                ));
            }
        }
    }
    Ok(list)
}

/// The workflow of whose runs is to be told; all where none is named.
pub(crate) fn workflow(query: &str) -> Result<Option<String>, Problem> {
    let mut workflow = None;
    for (name, value) in pairs(query) {
        if name != "workflow" {
            let detail = format!("events are not chosen by `{name}`");
            return Err(unknown(&detail, name, &["workflow"]));
        }
        workflow = Some(value?.into_owned());
    }
    Ok(workflow)
}

type Pair<'a> = (&'a str, Result<Cow<'a, str>, Problem>);

fn pairs(query: &str) -> impl Iterator<Item = Pair<'_>> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts.map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = percent_decode_str(value).decode_utf8();
        let value = value.map_err(|_| mistake(format!("`{name}` is not percent-encoded UTF-8")));
        (name, value)
    })
}

fn state(text: &str) -> Result<State, Problem> {
    let states = State::ALL.into_iter();
    states
        .clone()
        .find(|state| state.as_str() == text)
        .ok_or_else(|| {
            let all: Vec<_> = states.map(State::as_str).collect();
            mistake(format!("there is no state `{text}`"))
                .hint(format!("there are {}", all.join(", ")))
        })
}

fn unknown(detail: &str, name: &str, names: &[&'static str]) -> Problem {
    let hint = match nearest(names.iter().copied(), name) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", names.join(", ")),
    };
    mistake(detail.to_owned()).hint(hint)
}

fn mistake(detail: String) -> Problem {
    Problem::new(Code::InvalidQuery).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_what_is_listed() {
        let told = |query: &str| match list(query) {
            Ok(list) => serde_json::to_string(&list).unwrap(),
            Err(problem) => format!("{} {}", problem.detail, problem.hint.unwrap_or_default()),
        };
        assert_eq!(told(""), "{}");
        assert_eq!(
            told("workflow=rate&state=failed&limit=5&cursor=a%2Bb"),
            r#"{"workflow":"rate","state":"failed","limit":5,"cursor":"a+b"}"#
        );
        assert_eq!(
            told("stat=failed"),
            "runs are not listed by `stat` did you mean `state`?"
        );
        assert!(told("state=done").starts_with("there is no state `done` there are queued"));
        assert!(told("limit=0").starts_with("`limit` is 1 to 1000"));
    }

    #[test]
    fn events_are_of_all_workflows_or_of_one() {
        let told = |query: &str| match workflow(query) {
            Ok(workflow) => format!("{workflow:?}"),
            Err(problem) => format!("{} {}", problem.detail, problem.hint.unwrap_or_default()),
        };
        assert_eq!(told(""), "None");
        assert_eq!(told("&workflow=r%61te"), "Some(\"rate\")");
        assert_eq!(
            told("workflw=rate"),
            "events are not chosen by `workflw` did you mean `workflow`?"
        );
        assert!(told("workflow=%ff").starts_with("`workflow` is not percent-encoded"));
    }
}
