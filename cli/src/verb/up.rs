//! `gantry up`: the whole platform in this process, or as containers.

mod containers;
mod reloads;

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use anstyle::Style;
use chassis::{Drain, Env, Process};
use dataflow::{App, Watch};
use model::Project;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use verbs::Platform;
use verbs::Table;
use verbs::words;
use wire::{Body, Call, ExitKind, NodeName};

use crate::args::{Output, Up, Watching};
use crate::failure::Failure;
use crate::platform;
use crate::verb::{keys, seed};

const LOUD: Style = Style::new().bold();
/// Of more models than this, only these are listed.
const LISTED: usize = 20;

pub async fn run(args: Up, output: Output) -> Result<(), Failure> {
    match args.containers.stack {
        Some(stage) => containers::run(args, stage, output).await,
        None => in_process(args, output).await,
    }
}

async fn in_process(args: Up, output: Output) -> Result<(), Failure> {
    let project = platform::project(&args.folder)?;
    let listen = address(args.listen, project.settings.listen, 8000);
    let ops_listen = address(args.ops_listen, project.settings.ops_listen, 9100);
    if args.open && !listen.ip().is_loopback() {
        let detail = format!("--open lets anyone do everything, so it is refused on {listen}");
        return Err(Failure::usage(detail)
            .hint("listen on a loopback address, or hand out keys: `gantry keys create`"));
    }
    chassis::start_logs(Some("warn"));
    let process = Process::new("gantry", Env::of_process("gantry"));
    process.follow_signals(Drain::EMBEDDED).map_err(failed)?;
    let stopping = process.stopping();
    // The sockets first: a busy port is told before anything is made.
    let listener = bind(&process, listen, "--listen").await?;
    drop(bind(&process, ops_listen, "--ops-listen").await?);
    let started = tokio::select! {
        started = start(&args, project) => started?,
        () = stopping.cancelled() => return Ok(()),
    };
    let platform = platform::of(&started.app);
    let health = chassis::health_of(started.app.calls());
    let ops = process.watch(ops_listen, health).await;
    let ops = ops.map_err(|error| unbound(error, ops_listen, "--ops-listen"))?;
    let joined = started.app.join(&process.tasks).await;
    joined.map_err(platform::refusal)?;
    follow(&args, output, &started.app, &process)?;
    let face = face(&started.app, &process);
    let agents = agents(&args, listen);
    let nexus = workflows(&started.app, &process, agents.clone())?;
    let mcp = mcp::App::new(started.app.calls(), agents).counted(process.metrics.clone());
    let beside =
        mcp::router(&mcp, process.stopping()).merge(nexus::router(&nexus, process.stopping()));
    process.metrics.ask(started.app.figures());
    process.ready();
    let api = listener.local_addr().unwrap_or(listen);
    let screen = Screen {
        project: &started.app.project,
        counts: counts(&platform, &started.app.project).await?,
        key: started.key.as_deref(),
        open: args.open,
        watched: args.watch.is_some(),
        api,
        ops,
    };
    match output {
        Output::Json => writeln!(anstream::stdout(), "{}", screen.to_json())?,
        Output::Text => screen.print()?,
    }
    let abandoned = process.life.abandoned();
    tokio::select! {
        _ = futures_util::future::join3(
            nexus.engine().run(stopping.clone()),
            nexus::tell_of_missing_secrets(&nexus, stopping.clone()),
            api::serve(listener, face, beside, stopping),
        ) => {}
        () = abandoned.cancelled() => {}
    }
    started.app.close().await;
    Ok(())
}

/// Reads files again when they change, where that is asked for.
fn follow(args: &Up, output: Output, app: &App, process: &Process) -> Result<(), Failure> {
    let Some(watching) = args.watch else {
        return Ok(());
    };
    let how = match watching {
        Watching::Events => Watch::Events,
        Watching::Poll => Watch::Poll,
    };
    let folder = args.folder.clone();
    let tell = move |news| reloads::tell(news, &folder, output);
    app.follow(how, &process.tasks, process.stopping(), tell)
        .map_err(platform::refusal)
}

/// The REST face with the limits of the project's settings.
fn face(app: &App, process: &Process) -> api::App {
    let set = &app.project.settings.limits;
    let limits = api::Limits {
        body_bytes: set.body_bytes,
        deadline: set.deadline,
        url_bytes: set.url_bytes,
        body_pause: set.body_pause,
        requests: set.requests,
        http: chassis::HttpLimits {
            head: set.head_time,
            head_bytes: set.head_bytes,
            connections: set.connections,
        },
        import_bytes: set.import_bytes,
        stream_time: set.stream_time,
    };
    api::App::new(app.calls(), limits).counted(process.metrics.clone())
}

/// What carries workflows out, and tells of them on the same port.
fn workflows(
    app: &App,
    process: &Process,
    agents: mcp_face::Settings,
) -> Result<nexus::App, Failure> {
    let nexus = nexus::App::new(app.calls(), platform::flow(&app.project)?);
    Ok(nexus
        .offering(agents)
        .counted(process.metrics.clone())
        .with_hook_secrets(platform::hook_secrets(&app.project)))
}

/// The faces for agents, on the same port.
fn agents(args: &Up, listen: SocketAddr) -> mcp_face::Settings {
    let mut settings = mcp_face::Settings::default();
    settings.hosts.push(listen.ip().to_string());
    if args.agents_write {
        settings.writes = mcp_face::Writes::Everyone;
    }
    settings
}

fn address(asked: Option<SocketAddr>, set: Option<SocketAddr>, port: u16) -> SocketAddr {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    asked.or(set).unwrap_or(usual)
}

async fn bind(process: &Process, address: SocketAddr, flag: &str) -> Result<TcpListener, Failure> {
    let bound = process.bind(address).await;
    bound.map_err(|error| unbound(error, address, flag))
}

fn unbound(error: chassis::Error, address: SocketAddr, flag: &str) -> Failure {
    let chassis::Error::Bind { .. } = &error else {
        return failed(error);
    };
    let other = SocketAddr::new(address.ip(), address.port().wrapping_add(1));
    Failure::refused(ExitKind::Unavailable, error.to_string()).hint(format!(
        "something else listens there; choose another address: `{flag} {other}`"
    ))
}

fn failed(error: chassis::Error) -> Failure {
    match error {
        chassis::Error::Settings(faults) => Failure::Settings(faults),
        other => anyhow::Error::from(other).into(),
    }
}

struct Started {
    app: App,
    /// The first key, on a project that had none.
    key: Option<String>,
}

/// Opens the store; on a new project makes the first key and loads the seeds.
async fn start(args: &Up, project: Project) -> Result<Started, Failure> {
    let database = args.database_url.clone();
    let mut settings = platform::settings_of(args.folder.clone(), database);
    settings.open = args.open;
    let app = platform::embedded(project, &settings).await?;
    let platform = platform::of(&app);
    if !args.no_seed && !app.project.seeds.is_empty() && is_empty(&platform, &app.project).await? {
        let report = seed::load(&platform, &app.project, &[]).await?;
        let loaded: usize = report.models.iter().map(|(_, counts)| counts.created).sum();
        writeln!(
            anstream::stderr(),
            "loaded {}",
            words::count(loaded, "record")
        )?;
        seed::print_failed(&report)?;
    }
    let key = first_key(&platform).await?;
    Ok(Started { app, key })
}

async fn is_empty(platform: &Platform, project: &Project) -> Result<bool, Failure> {
    for seed in &project.seeds {
        if count(platform, &seed.model.name).await? > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn first_key(platform: &Platform) -> Result<Option<String>, Failure> {
    if !keys::all(platform).await?.is_empty() {
        return Ok(None);
    }
    let made = keys::make(platform, &json!({"roles": ["admin"], "name": "first"})).await?;
    Ok(made["token"].as_str().map(str::to_owned))
}

async fn count(platform: &Platform, model: &str) -> Result<u64, Failure> {
    let node = NodeName::of_model(model, "count");
    let call = Call::new(node, platform.caller.clone(), Body::empty());
    let answer = platform.calls.call(call).await?;
    let body = answer.body.collect(usize::MAX).await?;
    let counted: Value = serde_json::from_slice(&body).map_err(anyhow::Error::from)?;
    Ok(counted["count"].as_u64().unwrap_or_default())
}

/// The first models and how many records each has.
async fn counts(platform: &Platform, project: &Project) -> Result<Vec<u64>, Failure> {
    let mut counts = Vec::new();
    for model in project.models.iter().take(LISTED) {
        counts.push(count(platform, &model.name).await?);
    }
    Ok(counts)
}

/// What is shown once the platform serves.
struct Screen<'a> {
    project: &'a Project,
    counts: Vec<u64>,
    key: Option<&'a str>,
    open: bool,
    watched: bool,
    api: SocketAddr,
    ops: SocketAddr,
}

impl Screen<'_> {
    fn to_json(&self) -> Value {
        json!({
            "project": self.project.name,
            "version": chassis::VERSION,
            "url": format!("http://{}", self.api),
            "ops_url": format!("http://{}", self.ops),
            "key": self.key,
        })
    }

    fn print(&self) -> Result<(), Failure> {
        let mut out = anstream::stdout();
        let (api, ops) = (self.api, self.ops);
        writeln!(
            out,
            "{LOUD}{}{LOUD:#} is up; Ctrl-C ends it\n",
            self.project.name
        )?;
        for (what, url) in [
            ("records", format!("http://{api}/api/v1")),
            ("docs", format!("http://{api}/docs")),
            ("OpenAPI", format!("http://{api}/openapi.json")),
            ("agents", format!("http://{api}/mcp")),
            ("runs", format!("http://{api}/nexus/v1/runs")),
            ("health", format!("http://{ops}/health")),
        ] {
            writeln!(out, "{what:<8} {url}")?;
        }
        writeln!(out)?;
        let mut table = Table::new(["model", "path", "records"]).right(2);
        for (model, count) in self.project.models.iter().zip(&self.counts) {
            table.push(&[
                model.name.clone(),
                format!("/api/v1/{}", model.path),
                words::thousands(usize::try_from(*count).unwrap_or(usize::MAX)),
            ]);
        }
        table.print()?;
        let more = self.project.models.iter().len().saturating_sub(LISTED);
        if more > 0 {
            writeln!(out, "… and {} more", words::count(more, "model"))?;
        }
        if let Some(key) = self.key {
            writeln!(
                out,
                "\nThe first key, shown only now; it may do everything:\n\n  {LOUD}{key}{LOUD:#}"
            )?;
        }
        if self.open {
            writeln!(
                out,
                "\nOpen: whoever reaches {api} may do everything, without a key."
            )?;
        }
        if self.watched {
            writeln!(out, "\nFiles that change are read again.")?;
        }
        Ok(())
    }
}
