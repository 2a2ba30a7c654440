//! The same steps for each item, some of them at a time.

use bytes::{BufMut as _, Bytes, BytesMut};
use minijinja::Value;
use minijinja::value::Serde;
use model::workflow::Step;
use wire::Problem;

use super::block::Block;
use super::context::{Context, Ending, Progress};
use crate::scope::Scope;

pub(super) struct Each<'a> {
    items: std::iter::Enumerate<std::vec::IntoIter<serde_json::Value>>,
    answers: Vec<Bytes>,
    under_way: Vec<(usize, Block<'a>)>,
    failed: Option<Box<Problem>>,
    ended: bool,
    name: &'a str,
    parallel: usize,
    steps: &'a [Step],
    prefix: String,
    scope: Scope,
}

impl<'a> Each<'a> {
    pub(super) fn new(
        items: Vec<serde_json::Value>,
        (name, parallel): (&'a str, u32),
        steps: &'a [Step],
        prefix: String,
        scope: &Scope,
    ) -> Self {
        Self {
            answers: vec![Bytes::new(); items.len()],
            items: items.into_iter().enumerate(),
            under_way: Vec::new(),
            failed: None,
            ended: false,
            name,
            parallel: usize::try_from(parallel.max(1)).unwrap_or(1),
            steps,
            prefix,
            scope: scope.clone(),
        }
    }

    pub(super) fn poll(&mut self, context: &mut Context<'a>) -> Progress {
        loop {
            self.begin();
            if self.under_way.is_empty() {
                return match self.failed.take() {
                    Some(problem) => Progress::Failed(problem),
                    None if self.ended => Progress::Ended,
                    None => Progress::Done(list(&self.answers)),
                };
            }
            let (before, had_failed) = (self.under_way.len(), self.failed.is_some());
            self.poll_each(context);
            // Those before one that failed must hear of it, and those that ended make room.
            if self.under_way.len() == before && self.failed.is_some() == had_failed {
                return Progress::Pending;
            }
        }
    }

    /// As many as may be under way; none where one has failed or was stopped.
    fn begin(&mut self) {
        while self.failed.is_none() && !self.ended && self.under_way.len() < self.parallel {
            let Some((index, item)) = self.items.next() else {
                break;
            };
            let scope = self
                .scope
                .with_value(self.name, Value::from(Serde(item)))
                .with_value("index", Value::from(index));
            let prefix = format!("{}{index}.", self.prefix);
            self.under_way
                .push((index, Block::new(self.steps, prefix, scope)));
        }
    }

    fn poll_each(&mut self, context: &mut Context<'a>) {
        let mut at = 0;
        while let Some((index, block)) = self.under_way.get_mut(at) {
            let ending = self.failed.is_some().then_some(Ending::Sibling);
            match context.within(ending, |context| block.poll(context)) {
                Progress::Pending => {
                    at += 1;
                    continue;
                }
                Progress::Done(answer) => self.answers[*index] = answer,
                Progress::Failed(problem) => {
                    self.failed.get_or_insert(problem);
                }
                Progress::Ended => self.ended = true,
            }
            self.under_way.remove(at);
        }
    }
}

fn list(answers: &[Bytes]) -> Bytes {
    let mut text = BytesMut::new();
    text.put_u8(b'[');
    for (at, answer) in answers.iter().enumerate() {
        if at > 0 {
            text.put_u8(b',');
        }
        text.extend_from_slice(answer);
    }
    text.put_u8(b']');
    text.freeze()
}
