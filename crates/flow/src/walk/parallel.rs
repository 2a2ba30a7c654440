//! Branches that are under way at the same time.

use bytes::{BufMut as _, Bytes, BytesMut};
use model::workflow::Step;
use wire::Problem;

use super::block::Block;
use super::context::{Context, Ending, Progress};
use crate::scope::Scope;

pub(super) struct Parallel<'a> {
    branches: Vec<Branch<'a>>,
    failed: Option<Box<Problem>>,
    ended: bool,
}

struct Branch<'a> {
    name: &'a str,
    /// Until it has ended.
    block: Option<Block<'a>>,
    answer: Bytes,
}

impl<'a> Parallel<'a> {
    pub(super) fn new(branches: &'a [(String, Vec<Step>)], prefix: &str, scope: &Scope) -> Self {
        let branches = branches.iter().map(|(name, steps)| Branch {
            name,
            block: Some(Block::new(steps, format!("{prefix}{name}."), scope.clone())),
            answer: Bytes::new(),
        });
        Self {
            branches: branches.collect(),
            failed: None,
            ended: false,
        }
    }

    pub(super) fn poll(&mut self, context: &mut Context<'a>) -> Progress {
        let had_failed = self.failed.is_some();
        for branch in &mut self.branches {
            let Some(block) = &mut branch.block else {
                continue;
            };
            let ending = self.failed.is_some().then_some(Ending::Sibling);
            match context.within(ending, |context| block.poll(context)) {
                Progress::Pending => continue,
                Progress::Done(answer) => branch.answer = answer,
                Progress::Failed(problem) => {
                    self.failed.get_or_insert(problem);
                }
                Progress::Ended => self.ended = true,
            }
            branch.block = None;
        }
        if self.branches.iter().any(|branch| branch.block.is_some()) {
            // Those before the one that failed must hear of it, too.
            let heard = had_failed || self.failed.is_none();
            return if heard {
                Progress::Pending
            } else {
                self.poll(context)
            };
        }
        match self.failed.take() {
            Some(problem) => Progress::Failed(problem),
            None if self.ended => Progress::Ended,
            None => Progress::Done(self.answers()),
        }
    }

    fn answers(&self) -> Bytes {
        let mut text = BytesMut::new();
        for branch in &self.branches {
            text.put_u8(if text.is_empty() { b'{' } else { b',' });
            // A branch's name is a word: it needs no escapes.
            text.put_u8(b'"');
            text.extend_from_slice(branch.name.as_bytes());
            text.extend_from_slice(b"\":");
            text.extend_from_slice(&branch.answer);
        }
        if text.is_empty() {
            text.put_u8(b'{');
        }
        text.put_u8(b'}');
        text.freeze()
    }
}
