//! Who calls, once it is known.

use crate::Scope;

/// The role that may do everything.
pub const ADMIN: &str = "admin";
/// The role that everybody has, known or not.
pub const ANYONE: &str = "anyone";

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Principal {
    /// As it stands in `created_by`; empty for a stranger.
    pub id: String,
    /// Sorted, without `anyone`.
    pub roles: Vec<String>,
    pub tenant: Option<String>,
    /// What the credential is good for; `None` where that is all that the roles allow.
    pub scopes: Option<Vec<Scope>>,
    /// When the credential runs out, in seconds since 1970.
    pub until: Option<u64>,
}

impl Principal {
    pub fn anonymous() -> Self {
        Self::default()
    }

    pub fn admin(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            roles: vec![ADMIN.to_owned()],
            ..Self::default()
        }
    }

    pub fn is_anonymous(&self) -> bool {
        self.id.is_empty()
    }

    pub fn is_admin(&self) -> bool {
        self.roles.iter().any(|role| role == ADMIN)
    }

    pub fn has(&self, role: &str) -> bool {
        role == ANYONE || self.roles.iter().any(|own| own == role)
    }

    /// Whether the credential is good for it. Who may write may read, since writes answer with what they wrote.
    pub fn is_good_for(&self, scope: Scope) -> bool {
        match &self.scopes {
            None => true,
            Some(scopes) => scopes.contains(&scope) || scopes.contains(&Scope::Write),
        }
    }
}
