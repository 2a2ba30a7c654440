//! A read waits for a service that is away, up to its own deadline: a restart behind the seam is only slow.

use std::time::{Duration, Instant};

use wire::{Answer, Body, Call, Code, Content, Problem};

use crate::{Client, Speech};

const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

impl Client {
    /// Changes are told at once: whoever makes them decides whether to repeat them.
    pub(crate) async fn carry_patiently(&self, call: Call) -> Result<Answer, Problem> {
        let waits = matches!(self.inner.speech, Speech::Internal)
            && self.may_repeat(&call.node, &call.caller);
        let is_whole = matches!(call.input.content, Content::Whole(_));
        let (Some(deadline), true, true) = (call.deadline, waits, is_whole) else {
            return self.carry(call).await;
        };
        let mut next = Some(call);
        patiently(deadline, move || {
            let turn = next.take().expect("a whole body can be sent again");
            next = again(&turn);
            self.carry(turn)
        })
        .await
    }
}

/// Asks again, less and less often, while the answer is that nobody is there.
pub(crate) async fn patiently<T, F: Future<Output = Result<T, Problem>>>(
    deadline: Instant,
    mut ask: impl FnMut() -> F,
) -> Result<T, Problem> {
    let mut pause = FIRST_PAUSE;
    loop {
        let problem = match ask().await {
            Err(problem) if is_away(&problem) => problem,
            done => return done,
        };
        if Instant::now() + pause >= deadline {
            return Err(problem);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Who asks to be called in a second is coming back; who asks for longer is there, and has too much to do.
fn is_away(problem: &Problem) -> bool {
    problem.code == Code::Unavailable && problem.retry_after.is_none_or(|seconds| seconds <= 1)
}

/// The same call; none where its body is a stream, which is gone once it was begun.
fn again(call: &Call) -> Option<Call> {
    let Content::Whole(bytes) = &call.input.content else {
        return None;
    };
    Some(Call {
        node: call.node.clone(),
        caller: call.caller.clone(),
        query: call.query.clone(),
        input: Body {
            media: call.input.media,
            content: Content::Whole(bytes.clone()),
        },
        options: call.options.clone(),
        deadline: call.deadline,
        trace: call.trace,
    })
}
