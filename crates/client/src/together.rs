//! Small calls to dataflow that meet share a request; who is alone goes alone. A read does not wait for others that were
//! woken with it; a change, which a disk waits for, does.

use http::{HeaderMap, Method, header};
use rounds::Rounds;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;
use wire::{Answer, Call, Code, Content, Problem, batch};

use crate::Client;
use crate::exchange::{Exchange, collect, put};

/// Calls of one request.
const MOST_CALLS: usize = 128;
const ANSWER_BYTES: usize = 256 << 20;
/// Requests under way at once: while one is answered, the next is on its way.
const REQUESTS: usize = 2;

/// Reads and changes by themselves: a read may be sent twice, and waits for no disk.
pub(crate) struct Together {
    reads: Rounds<Waiting>,
    changes: Rounds<Waiting>,
    tasks: TaskTracker,
}

impl Default for Together {
    fn default() -> Self {
        Self {
            reads: Rounds::new(REQUESTS),
            changes: Rounds::new(REQUESTS),
            tasks: TaskTracker::new(),
        }
    }
}

struct Waiting {
    call: Call,
    answer: oneshot::Sender<Result<Answer, Problem>>,
}

/// Held by whoever goes alone; those who have come meanwhile go when it is given up, however that comes about.
struct Turn {
    client: Client,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let waiting = self.client.inner.together.reads.next(MOST_CALLS);
        if !waiting.is_empty() {
            let rounds = self.client.clone().read_rounds(waiting);
            self.client.inner.together.tasks.spawn(rounds);
        }
    }
}

impl Client {
    /// A call that [`batch::goes_with_others`].
    pub(crate) async fn carry_small(&self, call: Call) -> Result<Answer, Problem> {
        let (answer, answered) = oneshot::channel();
        let deadline = call.deadline;
        let together = &self.inner.together;
        if only_reads(&call) {
            let mut call = Some(call);
            let waiting = || Waiting {
                call: call.take().expect("a call is handed over once"),
                answer,
            };
            together.reads.goes_now(waiting);
            if let Some(call) = call {
                let _turn = Turn {
                    client: self.clone(),
                };
                return self.carry_alone(call).await;
            }
        } else if together.changes.begins(Waiting { call, answer }) {
            together.tasks.spawn(self.clone().change_rounds());
        }
        let lost = || Problem::new(Code::Unavailable).detail("the process ends");
        let answered = async { answered.await.unwrap_or_else(|_| Err(lost())) };
        match deadline {
            None => answered.await,
            Some(deadline) => tokio::time::timeout_at(deadline.into(), answered)
                .await
                .unwrap_or_else(|_| Err(Problem::new(Code::Timeout))),
        }
    }

    async fn read_rounds(self, mut waiting: Vec<Waiting>) {
        while !waiting.is_empty() {
            self.send_round(true, waiting).await;
            waiting = self.inner.together.reads.next(MOST_CALLS);
        }
    }

    async fn change_rounds(self) {
        loop {
            // Who was woken at the same moment comes along.
            tokio::task::yield_now().await;
            let waiting = self.inner.together.changes.next(MOST_CALLS);
            if waiting.is_empty() {
                return;
            }
            self.send_round(false, waiting).await;
        }
    }

    async fn send_round(&self, reads: bool, mut round: Vec<Waiting>) {
        // Who has gone, or was told that it took too long, must not find it done later.
        round.retain(|one| !one.answer.is_closed());
        if round.len() == 1
            && let Some(one) = round.pop()
        {
            // Who has gone needs no answer.
            let _ = one.answer.send(self.carry_alone(one.call).await);
            return;
        }
        if round.is_empty() {
            return;
        }
        let exchange = exchange_of(reads, &round);
        match self.answers_to(exchange).await {
            Ok(answers) if answers.len() == round.len() => {
                for (one, answer) in round.into_iter().zip(answers) {
                    let _ = one.answer.send(answer);
                }
            }
            other => {
                let fewer = "dataflow answered another number of calls than were sent";
                let fewer = || Problem::new(Code::Unavailable).detail(fewer);
                let problem = other.err().unwrap_or_else(fewer);
                for one in round {
                    let _ = one.answer.send(Err(problem.clone()));
                }
            }
        }
    }

    async fn answers_to(
        &self,
        exchange: Exchange,
    ) -> Result<Vec<Result<Answer, Problem>>, Problem> {
        let response = self.inner.endpoint.exchange(exchange).await?;
        batch::read_answers(collect(response.into_body(), ANSWER_BYTES).await?)
    }
}

/// A step that reads is kept, and a workflow may have any name.
fn only_reads(call: &Call) -> bool {
    call.node.verb() == "read" && call.node.family() != "workflow" && call.options.step.is_none()
}

fn exchange_of(reads: bool, round: &[Waiting]) -> Exchange {
    let mut headers = HeaderMap::new();
    put(&mut headers, header::CONTENT_TYPE, batch::BATCH);
    Exchange {
        method: Method::POST,
        path: "/calls".to_owned(),
        headers,
        content: Content::Whole(batch::write_calls(round.iter().map(|one| &one.call))),
        deadline: rounds::latest(round.iter().map(|one| one.call.deadline)),
        repeatable: reads,
    }
}
