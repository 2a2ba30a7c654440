//! What every node needs to know of its call.

use std::sync::Arc;

use access::{Grant, Principal, Signer};
use bytes::Bytes;
use model::{Action, FilterLimits, Limits, Model};
use store::Store;
use wire::{Answer, Body, Code, Fault, Meta, Options, Problem, Reply};

use crate::answers::Answers;
use crate::live::Live;
use crate::view::View;

pub(crate) struct Context<'a> {
    pub(crate) live: &'a Live,
    pub(crate) view: Arc<View>,
    pub(crate) principal: &'a Principal,
    pub(crate) limits: &'a Limits,
    pub(crate) signer: &'a Signer,
    pub(crate) store: &'a Store,
    pub(crate) answers: Answers<'a>,
    pub(crate) options: &'a Options,
    /// One moment for all that a call writes, to the microsecond.
    pub(crate) now: jiff::Timestamp,
}

impl Context<'_> {
    pub(crate) fn grant(&self, model: &Model, action: Action) -> Result<Arc<Grant>, Problem> {
        let grant = self.view.grant(model, action, self.principal);
        grant.ok_or_else(|| self.denied(&format!("{} {}", word(action), model.name)))
    }

    /// The same call under other options.
    pub(crate) fn with<'b>(&'b self, options: &'b Options) -> Context<'b> {
        Context {
            live: self.live,
            view: Arc::clone(&self.view),
            principal: self.principal,
            limits: self.limits,
            signer: self.signer,
            store: self.store,
            answers: self.answers,
            options,
            now: self.now,
        }
    }

    /// Where nothing may be read, that is an answer too.
    pub(crate) fn read_grant(&self, model: &Model) -> Option<Arc<Grant>> {
        self.view.grant(model, Action::Read, self.principal)
    }

    pub(crate) fn denied(&self, what: &str) -> Problem {
        if self.principal.is_anonymous() {
            Problem::new(Code::Unauthenticated)
                .detail(format!("a credential is needed to {what}"))
                .hint("send `Authorization: Bearer <key or token>`")
        } else {
            Problem::new(Code::Forbidden).detail(format!("the caller may not {what}"))
        }
    }

    pub(crate) fn filter_limits(&self) -> FilterLimits {
        FilterLimits {
            terms: self.limits.filter_terms,
            ..FilterLimits::default()
        }
    }

    pub(crate) fn wants_body(&self) -> bool {
        self.options.reply == Reply::Representation
    }
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Read => "read",
        Action::Create => "create",
        Action::Update => "update",
        Action::Delete => "delete",
    }
}

/// What one write did.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    pub(crate) id: uuid::Uuid,
    pub(crate) version: i64,
    pub(crate) created: bool,
    /// Empty where none is wanted.
    pub(crate) body: Bytes,
}

impl Done {
    pub(crate) fn status(&self) -> u16 {
        if self.created { 201 } else { 200 }
    }

    pub(crate) fn answer(self) -> Answer {
        let meta = Meta {
            id: Some(self.id),
            version: Some(self.version),
            created: self.created,
            affected: Some(1),
            ..Meta::default()
        };
        Answer {
            meta,
            body: Body::json(self.body),
        }
    }
}

/// Moves the pointers of a part's mistakes to where the part stands in the whole body.
pub(crate) fn at(mut problem: Problem, pointer: &str) -> Problem {
    for fault in &mut problem.errors {
        if !fault.pointer.starts_with('?') {
            fault.pointer.insert_str(0, pointer);
        }
    }
    pointed(problem, pointer)
}

/// With at least one mention of the part that failed.
pub(crate) fn pointed(mut problem: Problem, pointer: &str) -> Problem {
    if problem.errors.is_empty() {
        let fault = Fault::new(pointer, problem.code.as_str(), problem.detail.clone());
        problem.errors.push(fault);
    }
    problem
}
