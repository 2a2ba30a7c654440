//! The dataflow service.

use std::process::ExitCode;

use dataflow::{App, Served, Settings};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    chassis::run("dataflow", async |process| {
        let settings = Settings::load(&process.env)?;
        let app = App::connect(&settings).await?;
        let listener = process.bind(settings.listen).await?;
        let health = chassis::health_of(app.calls());
        process.watch(settings.ops_listen, health).await?;
        app.join(&process.tasks).await?;
        if let Some(how) = settings.watch {
            app.follow(how, &process.tasks, process.stopping(), dataflow::log)?;
        }
        process.ready();
        let served = Served::of(&app).counted(process.metrics.clone());
        dataflow::serve(listener, served, process.stopping()).await;
        app.close().await;
        Ok(())
    })
}
