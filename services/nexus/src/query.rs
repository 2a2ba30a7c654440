//! The query string of a list of runs.

use percent_encoding::percent_decode_str;
use wire::run::{List, State};
use wire::{Code, Problem, nearest};

const NAMES: [&str; 5] = ["workflow", "state", "session", "limit", "cursor"];

pub(crate) fn list(query: &str) -> Result<List, Problem> {
    let mut list = List::default();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = percent_decode_str(value).decode_utf8();
        let value = value.map_err(|_| mistake(format!("`{name}` is not percent-encoded UTF-8")))?;
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
            _ => return Err(unknown(name)),
        }
    }
    Ok(list)
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

fn unknown(name: &str) -> Problem {
    let hint = match nearest(NAMES.into_iter(), name) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", NAMES.join(", ")),
    };
    mistake(format!("runs are not listed by `{name}`")).hint(hint)
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
}
