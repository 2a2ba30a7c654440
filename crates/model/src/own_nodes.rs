//! The nodes that are no model's, by name.

/// In the catalogue of whoever may call them.
pub const OWN_NODES: [&str; 6] = [
    "tx",
    "changes",
    "key.create",
    "key.list",
    "key.revoke",
    "migration.list",
];

/// For the platform's own services; in nobody's catalogue.
pub const HIDDEN_NODES: [&str; 4] = [
    "auth.verify",
    "session.put",
    "session.get",
    "session.delete",
];
