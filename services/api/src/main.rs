//! The api service.

use std::process::ExitCode;

use api::{App, Settings};
use axum::Router;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    chassis::run("api", async |process| {
        let settings = Settings::load(&process.env)?;
        let app = App::connect(&settings)?
            .counted(process.metrics.clone())
            .draining_with(process.life.clone());
        let listener = process.bind(settings.listen).await?;
        process
            .watch(settings.ops_listen, chassis::health_of(app.calls()))
            .await?;
        process.ready();
        api::serve(listener, app, Router::new(), process.stopping()).await;
        Ok(())
    })
}
