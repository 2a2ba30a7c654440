//! One file per verb; here the way to each.

mod call;
mod changes;
mod completions;
mod down;
mod health;
mod init;
mod keys;
mod lint;
mod mcp;
mod migrate;
mod models;
mod ps;
mod render;
mod schema;
mod secrets;
mod seed;
mod up;
mod validate;
mod version;
mod workflows;

use crate::args::{Cli, Verb};
use crate::failure::Failure;

pub fn run(cli: Cli) -> Result<(), Failure> {
    let output = cli.output;
    match cli.verb {
        Verb::Init(args) => init::run(&args, output),
        Verb::Up(args) => in_runtime(up::run(*args, output)),
        Verb::Down(args) => in_runtime(down::run(args, output)),
        Verb::Ps(args) => in_runtime(ps::run(args, output)),
        Verb::Health(args) => in_runtime(health::run(args, output)),
        Verb::Validate(args) => validate::run(&args, output),
        Verb::Seed(args) => in_runtime(seed::run(args, output)),
        Verb::Call(args) => in_runtime(call::run(*args, output)),
        Verb::Changes(args) => in_runtime(changes::run(args, output)),
        Verb::Workflows(args) => in_runtime(workflows::list(args, output)),
        Verb::Run(args) => in_runtime(workflows::run(*args, output)),
        Verb::Runs(args) => in_runtime(workflows::runs(*args, output)),
        Verb::Signal(args) => in_runtime(workflows::signal(args, output)),
        Verb::Sessions(args) => in_runtime(workflows::sessions(*args, output)),
        Verb::Models(args) => in_runtime(models::run(args, output)),
        Verb::Mcp(args) => in_runtime(mcp::run(*args, output)),
        Verb::Migrate(args) => in_runtime(migrate::run(args, output)),
        Verb::Keys(args) => in_runtime(keys::run(args, output)),
        Verb::Secrets(args) => secrets::run(&args, output),
        Verb::Lint(args) => in_runtime(lint::run(args, output)),
        Verb::Render(args) => render::run(&args, output),
        Verb::Schema(args) => schema::run(&args),
        Verb::Completions(args) => completions::run(&args),
        Verb::Version => version::run(output),
    }
}

fn in_runtime(verb: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(verb)
}
