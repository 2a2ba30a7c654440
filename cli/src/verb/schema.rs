//! `gantry schema`.

use std::io::Write as _;

use model::SchemaKind;

use crate::args::{Schema, SchemaFile};
use crate::failure::Failure;

pub fn run(args: &Schema) -> Result<(), Failure> {
    let schema = model::schema(match args.kind {
        SchemaFile::Model => SchemaKind::Model,
        SchemaFile::Workflow => SchemaKind::Workflow,
        SchemaFile::Project => SchemaKind::Project,
        SchemaFile::Seed => SchemaKind::Seed,
        SchemaFile::Group => SchemaKind::Group,
    });
    writeln!(anstream::stdout(), "{schema:#}")?;
    Ok(())
}
