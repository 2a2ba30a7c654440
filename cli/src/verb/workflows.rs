//! `gantry workflows`, `run`, `runs`, `signal` and `sessions`: at the place that is called.

use tokio_util::sync::CancellationToken;
use verbs::Platform;

use crate::args::{Output, Place, Run, Runs, Sessions, Signal, Workflows};
use crate::failure::Failure;
use crate::platform;

pub async fn list(args: Workflows, output: Output) -> Result<(), Failure> {
    let platform = platform::compose(&args.place).await?;
    Ok(verbs::workflows(&platform, output).await?)
}

pub async fn run(args: Run, output: Output) -> Result<(), Failure> {
    let carries = !args.run.detach;
    let verb = async |platform: &Platform| verbs::run(args.run, platform, output).await;
    at(&args.place, carries, verb).await
}

pub async fn runs(args: Runs, output: Output) -> Result<(), Failure> {
    let carries = args.runs.follows();
    let verb = async |platform: &Platform| verbs::runs(args.runs, platform, output).await;
    at(&args.place, carries, verb).await
}

pub async fn signal(args: Signal, output: Output) -> Result<(), Failure> {
    let verb = async |platform: &Platform| verbs::signal(args.signal, platform, output).await;
    at(&args.place, false, verb).await
}

pub async fn sessions(args: Sessions, output: Output) -> Result<(), Failure> {
    let verb = async |platform: &Platform| verbs::sessions(args.sessions, platform, output).await;
    at(&args.place, false, verb).await
}

/// A server carries runs out by itself; over a project's database nobody would, so this process does meanwhile.
async fn at(
    place: &Place,
    carries: bool,
    verb: impl AsyncFnOnce(&Platform) -> Result<(), verbs::Failure>,
) -> Result<(), Failure> {
    if place.server.url.is_some() || !carries {
        let platform = platform::compose(place).await?;
        return Ok(verb(&platform).await?);
    }
    let project = platform::project(&place.database.project)?;
    let flow = platform::flow(&project)?;
    let app = platform::embedded(project, &platform::settings(&place.database)).await?;
    let engine = nexus::App::new(app.calls(), flow).engine();
    let ended = CancellationToken::new();
    let platform = platform::of(&app);
    let verb = async {
        let done = verb(&platform).await;
        ended.cancel();
        done
    };
    let (done, ()) = tokio::join!(verb, engine.run(ended.clone()));
    app.close().await;
    Ok(done?)
}
