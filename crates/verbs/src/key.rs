//! The key to call a server with, as the command line says it.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::Failure;

/// The key itself, or what the file holds; nothing where neither is said.
pub fn key(said: Option<&str>, file: Option<&Path>) -> Result<Option<String>, Failure> {
    let (None, Some(path)) = (said, file) else {
        return Ok(said.map(str::to_owned));
    };
    let text = fs::read_to_string(path);
    let text = text.with_context(|| format!("cannot read the key in {}", path.display()))?;
    Ok(Some(text.trim().to_owned()))
}
