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
            && self.only_reads(&call.node, &call.caller);
        let (Some(deadline), true) = (call.deadline, waits) else {
            return self.carry(call).await;
        };
        let mut call = call;
        let mut pause = FIRST_PAUSE;
        loop {
            let Some(next) = again(&call) else {
                return self.carry(call).await;
            };
            let problem = match self.carry(call).await {
                Err(problem) if problem.code == Code::Unavailable => problem,
                done => return done,
            };
            if Instant::now() + pause >= deadline {
                return Err(problem);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            call = next;
        }
    }
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
