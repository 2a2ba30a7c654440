//! What a call is for.

use std::sync::Arc;

use access::{Principal, Scope};
use model::{Model, Verb};
use wire::{Code, Media, NodeName, Options, Problem};

use crate::live::Live;
use crate::problem;
use crate::run::RunNode;
use crate::session::SessionNode;

/// What is called.
pub(crate) enum What {
    Of(Arc<Model>, Verb),
    Tx,
    Changes,
    Verify,
    Servers,
    KeyCreate,
    KeyList,
    KeyRevoke,
    MigrationList,
    SessionPut,
    SessionGet,
    SessionDelete,
    /// Of [`Live::workflows`], by its place; and what it is to its caller's credential.
    Workflow(usize, Scope),
    Run(RunNode),
    Session(SessionNode),
}

impl What {
    /// Whether it changes nothing that the caller asked to have changed.
    pub(crate) fn is_read(&self) -> bool {
        match self {
            Self::Of(_, verb) => verb.is_read(),
            Self::Session(node) => node.is_read(),
            _ => false,
        }
    }

    /// Whether a step of a workflow may be it.
    fn is_step(&self) -> bool {
        match self {
            Self::Of(..) | Self::Tx | Self::Workflow(..) => true,
            Self::Session(node) => node.is_step(),
            _ => false,
        }
    }

    /// What a credential must be good for; nothing where it is the credential that is asked about.
    fn scope(&self) -> Option<Scope> {
        match self {
            Self::Of(_, verb) if verb.is_read() => Some(Scope::Read),
            Self::Changes | Self::KeyList | Self::MigrationList => Some(Scope::Read),
            Self::Of(..) | Self::Tx | Self::KeyCreate | Self::KeyRevoke => Some(Scope::Write),
            Self::Workflow(_, scope) => Some(*scope),
            Self::Run(node) => node.scope(),
            Self::Session(node) => Some(node.scope()),
            // A session holds what its owner may know anyway.
            Self::Verify
            | Self::Servers
            | Self::SessionPut
            | Self::SessionGet
            | Self::SessionDelete => None,
        }
    }
}

/// Refuses a credential that is not good for the node, and what no node could carry out as asked.
pub(crate) fn check(
    what: &What,
    node: &NodeName,
    principal: &Principal,
    options: &Options,
) -> Result<(), Problem> {
    match what.scope() {
        Some(scope) if !principal.is_good_for(scope) => Err(problem::scope(scope, node.as_str())),
        _ => check_options(what, node, options),
    }
}

pub(crate) fn find(live: &Live, name: &NodeName) -> Result<What, Problem> {
    match name.as_str() {
        "tx" => return Ok(What::Tx),
        "changes" => return Ok(What::Changes),
        "auth.verify" => return Ok(What::Verify),
        "auth.servers" => return Ok(What::Servers),
        "key.create" => return Ok(What::KeyCreate),
        "key.list" => return Ok(What::KeyList),
        "key.revoke" => return Ok(What::KeyRevoke),
        "migration.list" => return Ok(What::MigrationList),
        "session.put" => return Ok(What::SessionPut),
        "session.get" => return Ok(What::SessionGet),
        "session.delete" => return Ok(What::SessionDelete),
        _ => {}
    }
    match name.family() {
        "run" => {
            if let Some(node) = RunNode::parse(name.verb()) {
                return Ok(What::Run(node));
            }
        }
        "session" => {
            if let Some(node) = SessionNode::parse(name.verb()) {
                return Ok(What::Session(node));
            }
        }
        "workflow" => {
            if let Some(place) = live.workflow(name.verb()) {
                let reads = live.workflows[place].effects.hints.read_only;
                let scope = if reads { Scope::Read } else { Scope::Write };
                return Ok(What::Workflow(place, scope));
            }
        }
        _ => {}
    }
    if let (Some(model), Some(verb)) = (live.models.get(name.family()), Verb::parse(name.verb())) {
        return Ok(What::Of(Arc::clone(model), verb));
    }
    Err(Problem::new(Code::NoSuchNode).detail(format!("there is no node `{name}`")))
}

fn check_options(what: &What, node: &NodeName, options: &Options) -> Result<(), Problem> {
    let offered: &[Media] = match what {
        What::Of(_, verb) if verb.lists() => &Media::RECORDS,
        What::Changes => &[Media::EventStream],
        _ => &[Media::Json],
    };
    if !offered.contains(&options.accept) {
        let names: Vec<_> = offered.iter().map(|media| media.as_str()).collect();
        return Err(Problem::new(Code::NotAcceptable)
            .detail(format!("{node} answers with {} only", names.join(", "))));
    }
    if options.step.is_some() {
        check_step(what, node, options)?;
    }
    Ok(())
}

/// To carry it out as any other call would be to do it more than once.
fn check_step(what: &What, node: &NodeName, options: &Options) -> Result<(), Problem> {
    let refuse = |detail: String| Err(Problem::new(Code::BadRequest).detail(detail));
    if !what.is_step() {
        return refuse(format!(
            "{node} is no step of a workflow that is kept with its effect"
        ));
    }
    if options.dry_run || options.idempotency_key.is_some() || options.accept != Media::Json {
        let detail = "a step is neither tried nor under a key of its own, and its answer is JSON";
        return refuse(detail.to_owned());
    }
    Ok(())
}
