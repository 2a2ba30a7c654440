//! The api service.

use std::process::ExitCode;
use std::sync::Arc;

use api::{App, Settings};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    chassis::run("api", async |process| {
        let settings = Settings::load(&process.env)?;
        let dataflow = client::Client::new(&settings.dataflow);
        let dataflow = dataflow.map_err(|error| {
            chassis::Error::Settings(vec![format!("GANTRY_API_DATAFLOW: {error}")])
        })?;
        let calls: Arc<dyn wire::Calls> = Arc::new(dataflow);
        let listener = process.bind(settings.listen).await?;
        process
            .watch(settings.ops_listen, chassis::health_of(Arc::clone(&calls)))
            .await?;
        process.ready();
        let app = App::new(calls, settings.limits).counted(process.metrics.clone());
        api::serve(listener, app, process.stopping()).await;
        Ok(())
    })
}
