//! `gantry migrate`: the database's tables and the models.

use std::io::Write as _;

use dataflow::migrations::{self, Step};
use serde_json::json;
use verbs::Table;
use verbs::words;

use crate::args::{Apply, Database, Migrate, MigrateVerb, Output, Purge, Rollback};
use crate::failure::Failure;
use crate::platform;

pub async fn run(args: Migrate, output: Output) -> Result<(), Failure> {
    match args.verb {
        MigrateVerb::Plan(database) => plan(&database, output).await,
        MigrateVerb::Apply(args) => apply(&args, output).await,
        MigrateVerb::Status(database) => status(&database, output).await,
        MigrateVerb::Rollback(args) => rollback(&args, output).await,
        MigrateVerb::Purge(args) => purge(&args, output).await,
    }
}

async fn plan(database: &Database, output: Output) -> Result<(), Failure> {
    let project = platform::project(&database.project)?;
    let plan = migrations::plan(&project, &platform::settings(database)).await;
    let plan = plan.map_err(platform::refusal)?;
    let mut out = anstream::stdout();
    match output {
        Output::Json => writeln!(out, "{}", migrations::plan_json(&plan))?,
        Output::Text if plan.is_empty() && plan.drift.is_empty() => {
            writeln!(
                anstream::stderr(),
                "the database holds the models; nothing to do"
            )?;
        }
        Output::Text => write!(out, "{}", plan.to_sql())?,
    }
    Ok(())
}

async fn apply(args: &Apply, output: Output) -> Result<(), Failure> {
    let project = platform::project(&args.database.project)?;
    let settings = platform::settings(&args.database);
    let applied = migrations::apply(&project, &settings, args.allow_destructive).await;
    let applied = applied.map_err(platform::refusal)?;
    let mut out = anstream::stdout();
    if output == Output::Json {
        let told = json!({
            "migration": applied.migration,
            "resumed": applied.resumed,
            "plan": migrations::plan_json(&applied.plan),
            "notes": applied.notes,
        });
        writeln!(out, "{told}")?;
        return Ok(());
    }
    if let Some(resumed) = &applied.resumed {
        writeln!(out, "finished {resumed}")?;
    }
    match &applied.migration {
        None => writeln!(
            anstream::stderr(),
            "the database holds the models; nothing to do"
        )?,
        Some(name) => {
            writeln!(out, "applied {name}")?;
            for step in &applied.plan.steps {
                writeln!(out, "  {}", step.summary)?;
            }
        }
    }
    for note in &applied.notes {
        writeln!(anstream::stderr(), "note: {note}")?;
    }
    Ok(())
}

async fn status(database: &Database, output: Output) -> Result<(), Failure> {
    let project = platform::project(&database.project)?;
    let status = migrations::status(&project, &platform::settings(database)).await;
    let status = status.map_err(platform::refusal)?;
    let mut out = anstream::stdout();
    if output == Output::Json {
        writeln!(out, "{}", migrations::status_json(&status))?;
        return Ok(());
    }
    if status.applied.is_empty() {
        writeln!(out, "no migration was applied yet")?;
    } else {
        let mut table = Table::new(["migration", "at", "state"]);
        for migration in &status.applied {
            table.push(&[
                migration.name.clone(),
                migration.at.clone(),
                migration.state.name().to_owned(),
            ]);
        }
        table.print()?;
    }
    if !status.drift.is_empty() {
        writeln!(out, "\nChanged by others:")?;
    }
    for line in &status.drift {
        writeln!(out, "  {line}")?;
    }
    if status.pending.is_empty() {
        writeln!(out, "\nThe database holds the models.")?;
    } else {
        let steps = words::count(status.pending.steps.len(), "step");
        writeln!(out, "\nPending, {steps}:")?;
    }
    for step in &status.pending.steps {
        writeln!(out, "  {}", line(step))?;
    }
    Ok(())
}

async fn rollback(args: &Rollback, output: Output) -> Result<(), Failure> {
    let project = platform::project(&args.database.project)?;
    let settings = platform::settings(&args.database);
    let undone = migrations::rollback(&project, &settings, args.steps).await;
    let undone = undone.map_err(platform::refusal)?;
    let mut out = anstream::stdout();
    match output {
        Output::Json => writeln!(out, "{}", json!({"undone": undone.migrations}))?,
        Output::Text if undone.migrations.is_empty() => {
            writeln!(anstream::stderr(), "there is no migration to undo")?;
        }
        Output::Text => {
            for name in &undone.migrations {
                writeln!(out, "undone {name}")?;
            }
        }
    }
    Ok(())
}

async fn purge(args: &Purge, output: Output) -> Result<(), Failure> {
    let project = platform::project(&args.database.project)?;
    let settings = platform::settings(&args.database);
    let purged = migrations::purge(&project, &settings, args.before).await;
    let purged = purged.map_err(platform::refusal)?;
    let mut out = anstream::stdout();
    match output {
        Output::Json => writeln!(out, "{}", json!({"purged": purged}))?,
        Output::Text if purged.is_empty() => {
            writeln!(anstream::stderr(), "there is nothing to delete")?;
        }
        Output::Text => {
            for what in &purged {
                writeln!(out, "deleted {what}")?;
            }
        }
    }
    Ok(())
}

fn line(step: &Step) -> String {
    let mut line = step.summary.clone();
    if let Some(stake) = &step.destructive {
        line = format!("{line} (drops {stake})");
    }
    if let Some(why) = &step.blocked {
        line = format!("{line} (impossible: {why})");
    }
    line
}
