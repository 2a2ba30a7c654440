//! Who calls, once it is known.

/// The role that may do everything.
pub const ADMIN: &str = "admin";
/// The role that everybody has, known or not.
pub const ANYONE: &str = "anyone";

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal {
    /// As it stands in `created_by`; empty for a stranger.
    pub id: String,
    /// Sorted, without `anyone`.
    pub roles: Vec<String>,
    pub tenant: Option<String>,
}

impl Principal {
    pub fn anonymous() -> Self {
        Self {
            id: String::new(),
            roles: Vec::new(),
            tenant: None,
        }
    }

    pub fn admin(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            roles: vec![ADMIN.to_owned()],
            tenant: None,
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
}
