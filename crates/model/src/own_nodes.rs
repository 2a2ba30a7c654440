//! The nodes that are no model's, by name.

/// In the catalogue of whoever may call them.
pub const OWN_NODES: [&str; 19] = [
    "tx",
    "changes",
    "key.create",
    "key.list",
    "key.revoke",
    "migration.list",
    "run.read",
    "run.steps",
    "run.list",
    "run.cancel",
    "run.retry",
    "run.replay",
    "run.signal",
    "run.approve",
    "session.open",
    "session.read",
    "session.write",
    "session.list",
    "session.close",
];

/// For the platform's own services; in nobody's catalogue.
pub const HIDDEN_NODES: [&str; 11] = [
    "auth.verify",
    "session.put",
    "session.get",
    "session.delete",
    "run.changes",
    "run.claim",
    "run.renew",
    "run.advance",
    "run.definition",
    "run.hooks",
    "run.hook",
];
