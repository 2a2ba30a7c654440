//! `run.*`: runs of workflows as their starters see them, and as whoever carries them out does.

pub(crate) mod acting;
mod asked;
mod changes;
mod claim;
mod definitions;
mod depth;
pub(crate) mod handing;
mod held;
mod hooks;
mod info;
mod input;
mod pruning;
mod schedules;
mod steered;
pub(crate) mod step;
mod told;
mod triggered;
mod triggers;

use std::sync::Arc;

use access::Scope;
use wire::{Answer, Problem};

use crate::context::Context;

pub(crate) use claim::{Runs, call as claim};
pub(crate) use info::{run_nodes, workflow_node};
pub(crate) use triggers::begin as begin_triggers;

/// The nodes of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunNode {
    Read,
    Steps,
    List,
    Cancel,
    Retry,
    Replay,
    Signal,
    Approve,
    /// Those that follow are for our own services.
    Changes,
    Claim,
    Renew,
    Heed,
    Advance,
    Definition,
    Hooks,
    Hook,
}

impl RunNode {
    pub(crate) fn parse(verb: &str) -> Option<Self> {
        Some(match verb {
            "read" => Self::Read,
            "steps" => Self::Steps,
            "list" => Self::List,
            "cancel" => Self::Cancel,
            "retry" => Self::Retry,
            "replay" => Self::Replay,
            "signal" => Self::Signal,
            "approve" => Self::Approve,
            "changes" => Self::Changes,
            "claim" => Self::Claim,
            "renew" => Self::Renew,
            "heed" => Self::Heed,
            "advance" => Self::Advance,
            "definition" => Self::Definition,
            "hooks" => Self::Hooks,
            "hook" => Self::Hook,
            _ => return None,
        })
    }

    /// Whoever carries runs out has no credential of its own.
    pub(crate) fn scope(self) -> Option<Scope> {
        match self {
            Self::Read | Self::Steps | Self::List | Self::Changes => Some(Scope::Read),
            Self::Cancel | Self::Retry | Self::Replay | Self::Signal | Self::Approve => {
                Some(Scope::Write)
            }
            Self::Claim
            | Self::Renew
            | Self::Heed
            | Self::Advance
            | Self::Definition
            | Self::Hooks
            | Self::Hook => None,
        }
    }
}

pub(crate) async fn call(
    cx: &Context<'_>,
    runs: &Arc<Runs>,
    node: RunNode,
    text: &str,
) -> Result<Answer, Problem> {
    match node {
        RunNode::Read => asked::read(cx, text).await,
        RunNode::Steps => asked::steps(cx, text).await,
        RunNode::List => asked::list(cx, text).await,
        RunNode::Cancel => steered::cancel(cx, runs, text).await,
        RunNode::Retry => steered::retry(cx, runs, text).await,
        RunNode::Replay => steered::replay(cx, runs, text).await,
        RunNode::Signal => steered::signal(cx, runs, text).await,
        RunNode::Approve => steered::approve(cx, runs, text).await,
        RunNode::Changes => changes::call(cx, text).await,
        RunNode::Claim => claim(runs, text).await,
        RunNode::Renew => held::renew(runs, text).await,
        RunNode::Heed => Ok(told::heed(runs)),
        RunNode::Advance => held::advance(runs, text).await,
        RunNode::Definition => definitions::call(runs, text).await,
        RunNode::Hooks => hooks::list(cx),
        RunNode::Hook => hooks::start(cx, runs, text).await,
    }
}
