//! The dataflow service.

use std::process::ExitCode;

use dataflow::{App, Settings};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    chassis::run("dataflow", async |process| {
        let settings = Settings::load(&process.env)?;
        let app = App::connect(&settings).await?;
        let listener = process.bind(settings.listen).await?;
        process
            .watch(settings.ops_listen, chassis::health_of(app.calls()))
            .await?;
        process.ready();
        dataflow::serve(listener, app.calls(), process.stopping()).await;
        app.close().await;
        Ok(())
    })
}
