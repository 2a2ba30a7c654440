//! What a credential may be limited to, beside its holder's roles: named as OAuth names scopes.

/// Nodes that only read.
pub const READ: &str = "gantry:read";
/// Every other node; what a write answers may be read with it too, and so may the rest.
pub const WRITE: &str = "gantry:write";

/// All that mean something here.
pub const KNOWN: [&str; 2] = [READ, WRITE];
