//! Small calls to dataflow that meet share a request; who is alone goes alone.

use http::{HeaderMap, Method, header};
use rounds::Rounds;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;
use wire::{Answer, Call, Code, Content, Problem, batch};

use crate::exchange::{Exchange, collect, put};
use crate::{Client, Inner};

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
    reads: bool,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let waiting = self.client.inner.rounds(self.reads).next(MOST_CALLS);
        if !waiting.is_empty() {
            let rounds = self.client.clone().send_rounds(self.reads, waiting);
            self.client.inner.together.tasks.spawn(rounds);
        }
    }
}

impl Inner {
    fn rounds(&self, reads: bool) -> &Rounds<Waiting> {
        if reads {
            &self.together.reads
        } else {
            &self.together.changes
        }
    }
}

impl Client {
    /// A call that [`batch::goes_with_others`].
    pub(crate) async fn carry_small(&self, call: Call) -> Result<Answer, Problem> {
        let reads = call.node.verb() == "read";
        let deadline = call.deadline;
        let (mut call, mut answered) = (Some(call), None);
        let goes_now = self.inner.rounds(reads).goes_now(|| {
            let (answer, receiver) = oneshot::channel();
            answered = Some(receiver);
            Waiting {
                call: call.take().expect("a call is handed over once"),
                answer,
            }
        });
        if let Some(call) = call.filter(|_| goes_now) {
            let _turn = Turn {
                client: self.clone(),
                reads,
            };
            return self.carry_alone(call).await;
        }
        let lost = || Problem::new(Code::Unavailable).detail("the process ends");
        let answered = answered.ok_or_else(lost)?;
        let answered = async { answered.await.unwrap_or_else(|_| Err(lost())) };
        match deadline {
            None => answered.await,
            Some(deadline) => tokio::time::timeout_at(deadline.into(), answered)
                .await
                .unwrap_or_else(|_| Err(Problem::new(Code::Timeout))),
        }
    }

    async fn send_rounds(self, reads: bool, mut waiting: Vec<Waiting>) {
        while !waiting.is_empty() {
            // Who has gone, or was told that it took too long, must not find it done later.
            waiting.retain(|one| !one.answer.is_closed());
            self.send_round(reads, waiting).await;
            waiting = self.inner.rounds(reads).next(MOST_CALLS);
        }
    }

    async fn send_round(&self, reads: bool, mut round: Vec<Waiting>) {
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
