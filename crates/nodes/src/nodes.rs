//! The nodes in this process: who calls, what is called, in which transaction.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::{Principal, Signer};
use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use cache::Cache;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use graph::Graph;
use model::{Action, Group, Limits, Models, Verb, Workflow};
use sha2::{Digest as _, Sha256};
use store::Store;
use wire::run::State;
use wire::{
    Answer, Body, Call, Caller, Calls, Catalogue, Code, Health, Media, Options, Problem, Reached,
    Tools,
};

use crate::answers::Answers;
use crate::arguments;
use crate::caller::{Callers, Who};
use crate::changes::Feed;
use crate::context::Context;
use crate::idempotency::{Hash, InFlight, Key};
use crate::import::Import;
use crate::live::Live;
use crate::run::{self, RunNode, Runs};
use crate::serving::Serving;
use crate::tokens::Tokens;
use crate::what::{What, check, find};
use crate::work::Work;
use crate::{body, catalogue, import, plan, problem};

/// What our own services send.
const OWN_BYTES: usize = 1 << 16;
const OWN_DEPTH: usize = 16;

#[derive(Clone)]
pub struct Settings {
    /// An anonymous caller is admin: for one's own machine.
    pub open: bool,
    pub limits: Limits,
    /// How agents get the nodes where they name no group.
    pub tools: Tools,
    pub groups: Arc<[Group]>,
    pub workflows: Arc<[Workflow]>,
    /// Answers of models that declare it are kept there.
    pub cache: Option<cache::Place>,
    /// Looked at for health.
    pub graph: Option<Arc<Graph>>,
    /// Taken beside API keys.
    pub tokens: Tokens,
}

pub struct Nodes {
    pub(crate) store: Store,
    pub(crate) cache: Option<Cache>,
    pub(crate) graph: Option<Arc<Graph>>,
    pub(crate) callers: Callers,
    pub(crate) live: Arc<ArcSwap<Live>>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) runs: Arc<Runs>,
    pub(crate) in_flight: InFlight,
    pub(crate) tokens: Tokens,
}

impl Nodes {
    /// The tables must be as the models say: see `store::migrate`.
    pub async fn new(
        store: Store,
        project: &str,
        models: Arc<Models>,
        settings: Settings,
    ) -> Result<Arc<Self>, Problem> {
        let secret = store.secret().await.map_err(problem::of_store)?;
        let cache = settings.cache.as_ref();
        let cache = cache.map(|place| Cache::new(place, &namespace(&secret)));
        let signer = Signer::new(secret);
        let live = Arc::new(ArcSwap::from_pointee(Live::new(Serving {
            project: project.to_owned(),
            models,
            limits: settings.limits,
            tools: settings.tools,
            groups: settings.groups,
            workflows: settings.workflows,
        })));
        run::begin_triggers(&store, &live.load()).await?;
        let (store_of_feed, live_of_feed) = (store.clone(), Arc::clone(&live));
        Ok(Arc::new(Self {
            feed: Feed::new(
                store_of_feed,
                live_of_feed,
                signer.clone(),
                &settings.limits,
            ),
            runs: Runs::new(store.clone(), Arc::clone(&live), signer.clone()),
            callers: Callers::new(signer, settings.open),
            live,
            in_flight: InFlight::default(),
            cache,
            graph: settings.graph,
            tokens: settings.tokens,
            store,
        }))
    }

    /// A caller who may do everything: for whoever runs the process.
    pub fn local_admin(&self) -> Caller {
        let year = Duration::from_hours(365 * 24);
        let assertion = self.callers.signer().sign(&Principal::admin("local"), year);
        Caller::Assertion(assertion.into())
    }

    /// Ends all streams of changes, and what waits for runs. Other calls go on.
    pub async fn end_changes(&self) {
        self.feed.end().await;
        self.runs.end().await;
    }

    /// How many runs there are in each state, of those that have not ended; as it was a while ago.
    pub async fn run_depth(&self) -> Result<Vec<(State, u64)>, Problem> {
        self.runs.depth().await
    }

    /// Whoever waits for runs is told at once that there are none here any more.
    pub fn end_claims(&self) {
        self.runs.end_claims();
    }

    async fn answer(&self, call: Call) -> Result<Answer, Problem> {
        let is_import = call.is_import();
        let Call {
            node,
            caller,
            query,
            input,
            options,
            deadline,
            trace: _,
        } = call;
        let who = self.callers.find(&caller)?;
        let principal = &who.principal;
        let live = self.open().await;
        let what = find(&live, &node)?;
        if matches!(what, What::Run(RunNode::Claim)) {
            // It waits for long, and models are not to wait for it.
            drop((live, who));
            return Box::pin(self.claim(input)).await;
        }
        check(&what, &node, principal, &options)?;
        let pairs = arguments::decode(&query)?;
        let cx = self.context(&who, &live, &options);
        if let (true, What::Of(model, verb)) = (is_import, &what) {
            let import = Import {
                model,
                verb: *verb,
                pairs,
                key: Key::of(&options, &principal.id, &node, || [0; 32])?,
                asked: Hash::new(&node, &query),
                deadline,
            };
            let imported = Box::pin(import::call(&cx, &self.in_flight, import, input)).await;
            if live.may_trigger(&what) {
                self.runs.wake();
            }
            return imported;
        }
        let deadline = deadline.or_else(|| Instant::now().checked_add(live.limits.deadline));
        let media = input.media;
        let bytes = whole(input, live.limits.body_bytes, &what).await?;
        let text = read_text(&cx, &what, media, &bytes)?;
        if matches!(
            what,
            What::Of(..) | What::Tx | What::Workflow(..) | What::Session(_)
        ) {
            let hash = || Hash::new(&node, &query).of(&bytes);
            let key = Key::of(&options, &principal.id, &node, hash)?;
            let work = Work {
                node: &node,
                what: &what,
                pairs,
                text: &text,
                key,
                deadline,
            };
            return self.carry_out(&cx, work).await;
        }
        Box::pin(self.own(&cx, &what, &node, pairs, &text)).await
    }

    fn context<'a>(
        &'a self,
        who: &'a Who,
        live: &'a Arc<Live>,
        options: &'a Options,
    ) -> Context<'a> {
        Context {
            view: who.view(live),
            live,
            principal: &who.principal,
            limits: &live.limits,
            signer: self.callers.signer(),
            store: &self.store,
            answers: Answers {
                cache: self.cache.as_ref(),
                marks: &live.marks,
            },
            options,
            now: this_moment(),
        }
    }

    async fn claim(&self, input: Body) -> Result<Answer, Problem> {
        let bytes = input.collect(OWN_BYTES).await?;
        run::claim(&self.runs, body::text(&bytes, OWN_DEPTH)?).await
    }
}

/// Databases differ in their secrets; what is kept elsewhere of one of them is named by a part of its secret's hash.
fn namespace(secret: &[u8; 32]) -> String {
    let hash = Sha256::digest([&secret[..], b"cache"].concat());
    URL_SAFE_NO_PAD.encode(&hash[..12])
}

/// To the microsecond, as databases keep it.
pub(crate) fn this_moment() -> jiff::Timestamp {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

impl Calls for Nodes {
    fn call(&self, call: Call) -> Reached<'_, Answer> {
        let trace = call.trace;
        async move {
            self.answer(call).await.map_err(|mut problem| {
                problem.trace_id = Some(trace.id());
                problem
            })
        }
        .boxed()
    }

    fn catalogue<'a>(&'a self, caller: &'a Caller) -> Reached<'a, Arc<Catalogue>> {
        async move {
            let who = self.callers.find(caller)?;
            let live = self.live.load_full();
            let view = who.view(&live);
            let built = view
                .catalogue
                .get_or_init(|| Arc::new(catalogue::build(&live, &view, &who.principal)));
            Ok(Arc::clone(built))
        }
        .boxed()
    }

    fn health(&self) -> BoxFuture<'_, Health> {
        self.report().boxed()
    }
}

async fn whole(input: Body, limit: usize, what: &What) -> Result<Bytes, Problem> {
    let collected = input.collect(limit).await;
    match what {
        What::Of(_, Verb::BulkCreate | Verb::BulkUpsert) => collected.map_err(import::hinted),
        _ => collected,
    }
}

/// The body as JSON text of good form. Who may not make records is told so before any value is looked at.
fn read_text<'a>(
    cx: &Context<'_>,
    what: &What,
    media: Media,
    bytes: &'a [u8],
) -> Result<Cow<'a, str>, Problem> {
    match what {
        What::Of(model, verb @ (Verb::BulkCreate | Verb::BulkUpsert)) => {
            plan::need_all(cx, model, verb.needs())?;
            let grant = cx.grant(model, Action::Create)?;
            let knows = |field| grant.fields.has(field) || cx.view.shows(model, field);
            body::as_json_list(media, bytes, model, &knows, cx.limits.depth)
        }
        _ if media != Media::Json && !bytes.is_empty() => {
            Err(Problem::new(Code::UnsupportedMedia).detail("only application/json is read here"))
        }
        _ => body::text(bytes, cx.limits.depth).map(Cow::Borrowed),
    }
}
