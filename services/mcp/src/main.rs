//! The mcp service.

use std::process::ExitCode;

use mcp::{App, Settings};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    chassis::run("mcp", async |process| {
        let settings = Settings::load(&process.env)?;
        let app = App::connect(&settings)?
            .counted(process.metrics.clone())
            .draining_with(process.life.clone());
        let listener = process.bind(settings.listen).await?;
        process
            .watch(settings.ops_listen, chassis::health_of(app.calls()))
            .await?;
        process.ready();
        mcp::serve(listener, app, process.stopping()).await;
        Ok(())
    })
}
