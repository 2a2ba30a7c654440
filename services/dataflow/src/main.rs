//! The dataflow service.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    chassis::run("dataflow", async |process| {
        match process.command.as_deref() {
            None => dataflow::run(process).await,
            Some("seed") => dataflow::seed(process).await,
            Some(other) => Err(chassis::Error::Settings(vec![format!(
                "there is no command `{other}`; there are `seed` and `healthcheck`"
            )])),
        }
    })
}
