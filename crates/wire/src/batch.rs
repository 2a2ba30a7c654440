//! Several small calls as one request, and their answers: what an HTTP exchange costs is shared by all of them.

use std::time::{Duration, Instant};

use bytes::{Buf as _, BufMut as _, Bytes};

use crate::{
    Answer, Body, Call, Caller, Code, Content, Media, Meta, NodeName, Options, Problem, Step,
};

/// A body of a batch, either way.
pub const BATCH: &str = "application/x-gantry-calls";
/// A call with a larger body goes alone.
const MOST_INPUT: usize = 16 * 1024;
/// No deadline.
const NEVER: u64 = u64::MAX;

/// Whether the call may go with others: short, whole, JSON, under no conditions but that it is a step or of a session,
/// and about one record or one run. Others are answered when they are done, and must not keep those waiting that go along.
pub fn goes_with_others(call: &Call) -> bool {
    let options = &call.options;
    let unconditional = Options {
        session: options.session.clone(),
        step: options.step.clone(),
        ..Options::default()
    };
    let is_short = match &call.input.content {
        Content::Whole(bytes) => bytes.len() <= MOST_INPUT,
        Content::Stream(_) => false,
    };
    is_short
        && call.input.media == Media::Json
        && is_about_one(&call.node)
        && *options == unconditional
}

fn is_about_one(node: &NodeName) -> bool {
    match node.family() {
        // A run begins.
        "workflow" => true,
        "run" => matches!(node.verb(), "read" | "advance"),
        _ => matches!(node.verb(), "read" | "create"),
    }
}

pub fn write_calls<'a>(calls: impl IntoIterator<Item = &'a Call>) -> Bytes {
    let mut out = Vec::with_capacity(4096);
    for call in calls {
        put(&mut out, call.node.as_str().as_bytes());
        put(&mut out, call.query.as_bytes());
        put(
            &mut out,
            match &call.caller {
                Caller::Anonymous => b"",
                Caller::Assertion(assertion) => assertion.as_bytes(),
            },
        );
        put(&mut out, call.trace.to_string().as_bytes());
        let left = call.deadline.map_or(NEVER, |deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            u64::try_from(left.as_millis()).unwrap_or(NEVER)
        });
        out.put_u64_le(left);
        let Options { session, step, .. } = &call.options;
        put(&mut out, session.as_deref().unwrap_or_default().as_bytes());
        put(
            &mut out,
            step.as_ref().map(step_text).unwrap_or_default().as_bytes(),
        );
        put(
            &mut out,
            match &call.input.content {
                Content::Whole(bytes) => bytes,
                Content::Stream(_) => b"",
            },
        );
    }
    out.into()
}

pub fn read_calls(mut bytes: Bytes) -> Result<Vec<Call>, Problem> {
    let mut calls = Vec::new();
    while !bytes.is_empty() {
        calls.push(read_call(&mut bytes).ok_or_else(garbled)?);
    }
    Ok(calls)
}

fn read_call(bytes: &mut Bytes) -> Option<Call> {
    let node: NodeName = text(&take(bytes)?)?.parse().ok()?;
    let query = text(&take(bytes)?)?.to_owned();
    let caller = match text(&take(bytes)?)? {
        "" => Caller::Anonymous,
        assertion => Caller::Assertion(assertion.into()),
    };
    let trace = text(&take(bytes)?)?.parse().ok()?;
    let left = bytes.try_get_u64_le().ok()?;
    let session = match text(&take(bytes)?)? {
        "" => None,
        session => Some(session.to_owned()),
    };
    let step = match text(&take(bytes)?)? {
        "" => None,
        step => Some(serde_json::from_str(step).ok()?),
    };
    let input = take(bytes)?;
    let deadline = (left != NEVER).then(|| Duration::from_millis(left));
    Some(Call {
        query,
        deadline: deadline.and_then(|left| Instant::now().checked_add(left)),
        trace,
        options: Options {
            session,
            step,
            ..Options::default()
        },
        ..Call::new(node, caller, Body::json(input))
    })
}

fn step_text(step: &Step) -> String {
    serde_json::to_string(step).expect("ids, a number and a text are JSON")
}

/// In the order of the calls. Answers of such calls are whole.
pub fn write_answers<'a>(
    answers: impl IntoIterator<Item = &'a Result<Answer, Problem>>,
) -> Result<Bytes, Problem> {
    let mut out = Vec::with_capacity(4096);
    for answer in answers {
        match answer {
            Ok(answer) => {
                let Content::Whole(body) = &answer.body.content else {
                    return Err(Problem::new(Code::Internal)
                        .detail("a call about one record was answered with a stream"));
                };
                out.put_u8(1);
                put(&mut out, answer.meta.to_text().as_bytes());
                put(&mut out, body);
            }
            Err(problem) => {
                out.put_u8(0);
                put(&mut out, &problem.to_json(None));
            }
        }
    }
    Ok(out.into())
}

pub fn read_answers(mut bytes: Bytes) -> Result<Vec<Result<Answer, Problem>>, Problem> {
    let garbled = || Problem::new(Code::Unavailable).detail("an answer cannot be read");
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        answers.push(read_answer(&mut bytes).ok_or_else(garbled)?);
    }
    Ok(answers)
}

fn read_answer(bytes: &mut Bytes) -> Option<Result<Answer, Problem>> {
    if bytes.try_get_u8().ok()? == 0 {
        let problem: Problem = serde_json::from_slice(&take(bytes)?).ok()?;
        return Some(Err(problem));
    }
    let meta = Meta::from_text(text(&take(bytes)?)?)?;
    let body = Body::json(take(bytes)?);
    Some(Ok(Answer { meta, body }))
}

fn garbled() -> Problem {
    Problem::new(Code::BadRequest).detail("a batch of calls cannot be read")
}

/// With its length before it.
fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.put_u32_le(u32::try_from(bytes.len()).expect("a small call is no 4 GiB"));
    out.put_slice(bytes);
}

fn take(bytes: &mut Bytes) -> Option<Bytes> {
    let length = usize::try_from(bytes.try_get_u32_le().ok()?).ok()?;
    (length <= bytes.len()).then(|| bytes.split_to(length))
}

fn text(bytes: &Bytes) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Trace;

    fn call(node: &str, query: &str, input: &'static str) -> Call {
        Call {
            query: query.to_owned(),
            trace: Trace::random(),
            ..Call::new(node.parse().unwrap(), Caller::Anonymous, Body::json(input))
        }
    }

    fn step() -> Step {
        Step {
            run: uuid::Uuid::from_u128(7),
            epoch: 2,
            path: "each.3.save".to_owned(),
            lease: uuid::Uuid::from_u128(8),
        }
    }

    #[test]
    fn calls_and_answers_read_back() {
        let mut second = call("Film.create", "", r#"{"title":"é"}"#);
        second.caller = Caller::Assertion("a.b".into());
        second.deadline = Instant::now().checked_add(Duration::from_mins(1));
        second.options.session = Some("s".to_owned());
        second.options.step = Some(step());
        let calls = [call("Film.read", "id=1", ""), second];
        let read = read_calls(write_calls(&calls)).unwrap();
        assert_eq!(read.len(), 2);
        for (one, other) in calls.iter().zip(&read) {
            assert_eq!(
                (&one.node, &one.query, &one.caller, &one.options),
                (&other.node, &other.query, &other.caller, &other.options)
            );
            assert_eq!(
                (one.trace.id(), one.deadline.is_some()),
                (other.trace.id(), other.deadline.is_some())
            );
            assert_eq!(format!("{:?}", one.input), format!("{:?}", other.input));
        }
        let mut answer = Answer::json("{}");
        answer.meta.version = Some(7);
        let answers = [Ok(answer), Err(Problem::new(Code::NotFound).detail("gone"))];
        let read = read_answers(write_answers(&answers).unwrap()).unwrap();
        assert_eq!(read[0].as_ref().unwrap().meta.version, Some(7));
        assert_eq!(read[1].as_ref().unwrap_err().detail, "gone");
    }

    #[test]
    fn what_is_cut_off_or_no_batch_is_refused() {
        let whole = write_calls(&[call("Film.read", "id=1", "")]);
        for end in 1..whole.len() {
            assert!(read_calls(whole.slice(..end)).is_err(), "{end}");
        }
        assert!(read_calls(Bytes::from_static(b"\xff\xff\xff\xff12345678")).is_err());
        assert!(read_answers(Bytes::from_static(b"\x01\x09")).is_err());
        assert!(read_calls(Bytes::new()).unwrap().is_empty());
    }

    #[test]
    fn only_small_calls_about_one_record_or_run_go_with_others() {
        let goes = |change: fn(&mut Call)| {
            let mut call = call("Film.read", "id=1", "");
            change(&mut call);
            goes_with_others(&call)
        };
        assert!(goes(|_| {}));
        assert!(goes(|call| call.options.step = Some(step())));
        assert!(goes(|call| call.node = "run.advance".parse().unwrap()));
        assert!(goes(|call| call.node = "workflow.rate".parse().unwrap()));
        assert!(!goes(|call| call.node = "run.claim".parse().unwrap()));
        assert!(!goes(|call| {
            call.node = "Film.list".parse().unwrap();
            call.options.step = Some(step());
        }));
        assert!(!goes(|call| call.node = "Film.list".parse().unwrap()));
        assert!(!goes(|call| call.options.dry_run = true));
        assert!(!goes(
            |call| call.options.idempotency_key = Some("k".to_owned())
        ));
        assert!(!goes(
            |call| call.input = Body::json(vec![b' '; MOST_INPUT + 1])
        ));
    }
}
