//! Steps whose failing is caught, and what is done whatever happens.

use model::workflow::Step;

use super::block::Block;
use super::context::{Context, Ending, Progress};
use crate::scope::Scope;

pub(super) struct Guarded<'a> {
    catch: &'a [Step],
    finally: &'a [Step],
    prefix: String,
    /// What `catch` and `finally` know.
    scope: Scope,
    phase: Phase<'a>,
}

enum Phase<'a> {
    Steps(Block<'a>),
    Catch(Block<'a>),
    /// With what came before it.
    Finally(Block<'a>, Progress),
}

impl<'a> Guarded<'a> {
    pub(super) fn new(
        [steps, catch, finally]: [&'a [Step]; 3],
        prefix: String,
        scope: &Scope,
    ) -> Self {
        Self {
            catch,
            finally,
            phase: Phase::Steps(Block::new(steps, prefix.clone(), scope.clone())),
            prefix,
            scope: scope.clone(),
        }
    }

    pub(super) fn poll(&mut self, context: &mut Context<'a>) -> Progress {
        loop {
            let came = match &mut self.phase {
                Phase::Steps(block) => {
                    let came = block.poll(context);
                    if !matches!(came, Progress::Pending) {
                        self.scope = block.scope_of_all();
                    }
                    came
                }
                Phase::Catch(block) => block.poll(context),
                Phase::Finally(block, came) => {
                    return match context.unharmed(|context| block.poll(context)) {
                        Progress::Done(_) => std::mem::replace(came, Progress::Pending),
                        other => other,
                    };
                }
            };
            self.phase = match came {
                Progress::Pending => return Progress::Pending,
                came if is_release(&came, context) => return came,
                Progress::Failed(problem) if self.may_catch() => {
                    let problem = serde_json::to_vec(&problem).unwrap_or_default();
                    let scope = self.scope.with_json("problem", problem.into());
                    Phase::Catch(Block::new(self.catch, self.prefix.clone(), scope))
                }
                came => {
                    let scope = self.scope.clone();
                    Phase::Finally(Block::new(self.finally, self.prefix.clone(), scope), came)
                }
            };
        }
    }

    fn may_catch(&self) -> bool {
        matches!(self.phase, Phase::Steps(_)) && !self.catch.is_empty()
    }
}

/// Whoever goes on does what is to be done whatever happens.
fn is_release(came: &Progress, context: &Context<'_>) -> bool {
    matches!(came, Progress::Ended) && context.ending == Some(Ending::Release)
}
