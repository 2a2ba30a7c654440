//! `dataflow seed`: the project's seeds into the store, then its graph models into Neo4j. Once done, doing it again
//! changes nothing.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use chassis::Process;
use graph::Graph;

use crate::seeding::{self, Target};
use crate::service::Awaited;
use crate::{App, Settings, projection};

/// For Neo4j to answer.
const PATIENCE: Duration = Duration::from_mins(3);
const PAUSE: Duration = Duration::from_secs(1);

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
    await_graph(graph).await.map_err(|error| failed(&error))?;
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

/// It may still be starting, which takes it longer than anything else.
async fn await_graph(graph: &Graph) -> Result<(), graph::Error> {
    let begun = Instant::now();
    loop {
        match graph.ping().await {
            Err(graph::Error::Away(why)) if begun.elapsed() < PATIENCE => {
                tracing::warn!(error = why, "Neo4j is waited for");
            }
            answered => return answered,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn say(line: &str) -> Result<(), chassis::Error> {
    let said = writeln!(io::stdout(), "{line}");
    said.map_err(|error| chassis::Error::Service(format!("standard output is closed: {error}")))
}
