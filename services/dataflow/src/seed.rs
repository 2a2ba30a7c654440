//! `dataflow seed`: the project's seeds into the store, then its graph models into Neo4j. Once done, doing it again
//! changes nothing.

use std::io::{self, Write as _};

use chassis::Process;

use crate::seeding::{self, Target};
use crate::service::Awaited;
use crate::{App, Settings, projection};

pub async fn seed(process: Process) -> Result<(), chassis::Error> {
    let settings = Settings::load(&process.env)?;
    let stopping = process.stopping();
    let connected = Awaited::default().connect(&settings, &stopping).await?;
    let Some(app) = connected else {
        return Ok(());
    };
    let work = stopping.run_until_cancelled(Box::pin(load(&app)));
    let done = work.await.unwrap_or(Ok(()));
    app.close().await;
    done
}

async fn load(app: &App) -> Result<(), chassis::Error> {
    let failed = |error: &dyn ToString| chassis::Error::Service(error.to_string());
    let (calls, caller) = (app.calls(), app.local_admin());
    let target = Target {
        calls: &*calls,
        caller: &caller,
    };
    let loaded = seeding::load(target, &app.project, &[], &mut |_, _, _| {}).await;
    let report = loaded.map_err(|error| failed(&error))?;
    for row in &report.failed {
        tracing::warn!(file = %row.file.display(), line = row.line, "A row was left out: {}", row.detail);
    }
    for (model, counts) in &report.models {
        let seeding::Counts {
            created,
            updated,
            unchanged,
            failed,
        } = counts;
        say(&format!(
            "{model}: {created} created, {updated} updated, {unchanged} unchanged, {failed} failed"
        ))?;
    }
    let Some(graph) = &app.graph else {
        return Ok(());
    };
    let models = &app.project.models;
    for model in models.iter().filter(|model| model.options.graph) {
        let projected = projection::project(target, graph, models, model).await;
        projected.map_err(|problem| failed(&problem.detail))?;
        let nodes = graph
            .count(&model.name)
            .await
            .map_err(|error| failed(&error))?;
        say(&format!("{}: {nodes} in the graph", model.name))?;
    }
    Ok(())
}

fn say(line: &str) -> Result<(), chassis::Error> {
    let said = writeln!(io::stdout(), "{line}");
    said.map_err(|error| chassis::Error::Service(format!("standard output is closed: {error}")))
}
