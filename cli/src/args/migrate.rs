//! `gantry migrate`.

use clap::{Args, Subcommand};

use super::{Database, examples};

/// Bring the database's tables to what the models say
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry migrate plan"
    "gantry migrate apply --database-url postgres://me@localhost/films"
))]
pub struct Migrate {
    #[command(subcommand)]
    pub verb: MigrateVerb,
}

#[derive(Debug, Subcommand)]
pub enum MigrateVerb {
    /// Print the SQL that would be run, and what it would cost
    #[command(after_help = examples!("gantry migrate plan" "gantry migrate plan > change.sql"))]
    Plan(Database),
    Apply(Apply),
    /// Tell how the database stands to the models
    #[command(after_help = examples!("gantry migrate status" "gantry migrate status --output json"))]
    Status(Database),
    Rollback(Rollback),
    Purge(Purge),
}

/// Run the plan
#[derive(Debug, Args)]
#[command(after_help = examples!("gantry migrate apply" "gantry migrate apply --allow-destructive"))]
pub struct Apply {
    #[command(flatten)]
    pub database: Database,

    /// Also run the steps that lose data
    #[arg(long)]
    pub allow_destructive: bool,
}

/// Delete for good what earlier migrations took away
///
/// Dropped tables and columns are kept aside so that a rollback can bring them back; after this it cannot.
#[derive(Debug, Args)]
#[command(after_help = examples!("gantry migrate purge --before 4"))]
pub struct Purge {
    #[command(flatten)]
    pub database: Database,

    /// Number of the first migration that can still be undone, as its name begins in `gantry migrate status`
    #[arg(long, value_name = "NUMBER")]
    pub before: u64,
}

/// Undo the last migration
///
/// Tables, columns and rows that it took away come back.
#[derive(Debug, Args)]
#[command(after_help = examples!("gantry migrate rollback" "gantry migrate rollback --steps 3"))]
pub struct Rollback {
    #[command(flatten)]
    pub database: Database,

    /// How many migrations to undo, the latest first
    #[arg(long, value_name = "MIGRATIONS", default_value_t = 1)]
    pub steps: usize,
}
