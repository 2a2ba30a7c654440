//! What can be done with a model: its nodes by name.

use wire::Hints;

use crate::{Action, Model};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    Create,
    Read,
    Update,
    Replace,
    Delete,
    Restore,
    List,
    Count,
    Upsert,
    Aggregate,
    Search,
    BulkCreate,
    BulkUpdate,
    BulkDelete,
    BulkUpsert,
    Bulk,
}

impl Verb {
    pub const ALL: [Self; 16] = [
        Self::Create,
        Self::Read,
        Self::Update,
        Self::Replace,
        Self::Delete,
        Self::Restore,
        Self::List,
        Self::Count,
        Self::Upsert,
        Self::Aggregate,
        Self::Search,
        Self::BulkCreate,
        Self::BulkUpdate,
        Self::BulkDelete,
        Self::BulkUpsert,
        Self::Bulk,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::List => "list",
            Self::Count => "count",
            Self::Upsert => "upsert",
            Self::Aggregate => "aggregate",
            Self::Search => "search",
            Self::BulkCreate => "bulk_create",
            Self::BulkUpdate => "bulk_update",
            Self::BulkDelete => "bulk_delete",
            Self::BulkUpsert => "bulk_upsert",
            Self::Bulk => "bulk",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.name() == name)
    }

    /// What a caller must be allowed to do with the model; for `bulk` one of them, the rest is for each operation.
    pub fn needs(self) -> &'static [Action] {
        match self {
            Self::Read | Self::List | Self::Count | Self::Aggregate | Self::Search => {
                &[Action::Read]
            }
            Self::Create | Self::BulkCreate => &[Action::Create],
            Self::Update | Self::Replace | Self::Restore | Self::BulkUpdate => &[Action::Update],
            Self::Delete | Self::BulkDelete => &[Action::Delete],
            Self::Upsert | Self::BulkUpsert => &[Action::Create, Action::Update],
            Self::Bulk => &[],
        }
    }

    /// Whether there is such a node for anyone.
    pub fn fits(self, model: &Model) -> bool {
        match self {
            Self::Restore => model.options.soft_delete,
            Self::Search => model.fields.iter().any(|field| field.search),
            _ => true,
        }
    }

    pub fn is_read(self) -> bool {
        self.needs() == [Action::Read]
    }

    /// Whether the answer is a list, which may also be CSV or JSON Lines.
    pub fn lists(self) -> bool {
        matches!(self, Self::List | Self::Search)
    }

    /// Whether several statements must hold together.
    pub fn is_bulk(self) -> bool {
        matches!(
            self,
            Self::BulkCreate | Self::BulkUpdate | Self::BulkDelete | Self::BulkUpsert | Self::Bulk
        )
    }

    pub fn hints(self) -> Hints {
        let is = |verbs: &[Self]| verbs.contains(&self);
        Hints {
            read_only: self.is_read(),
            destructive: is(&[
                Self::Update,
                Self::Replace,
                Self::Delete,
                Self::Upsert,
                Self::BulkUpdate,
                Self::BulkDelete,
                Self::BulkUpsert,
                Self::Bulk,
            ]),
            idempotent: self.is_read() || is(&[Self::Delete, Self::Restore, Self::BulkDelete]),
            ..Hints::default()
        }
    }
}
