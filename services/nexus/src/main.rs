//! The nexus service.

use std::process::ExitCode;

use nexus::{App, Settings};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    chassis::run("nexus", async |process| {
        let settings = Settings::load(&process.env)?;
        let app = App::connect(&settings)?
            .counted(process.metrics.clone())
            .draining_with(process.life.clone());
        let listener = process.bind(settings.listen).await?;
        process
            .watch(settings.ops_listen, chassis::health_of(app.calls()))
            .await?;
        process.ready();
        nexus::serve(listener, app, process.stopping()).await;
        Ok(())
    })
}
