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
use model::{Action, Group, Limits, Model, Models, Verb};
use sha2::{Digest as _, Sha256};
use store::{Store, Tx};
use wire::{
    Answer, Body, Call, Caller, Calls, Catalogue, Code, Health, Media, Options, Problem, Reached,
    Tools,
};

use crate::answers::{Answers, Touched};
use crate::arguments::{self, Pairs};
use crate::caller::Callers;
use crate::change::How;
use crate::changes::Feed;
use crate::context::Context;
use crate::door::Door;
use crate::idempotency::{Hash, InFlight, Key};
use crate::import::{self, Import};
use crate::live::Live;
use crate::serving::Serving;
use crate::tokens::Tokens;
use crate::what::{What, check, find};
use crate::{
    aggregate, body, bulk, catalogue, change, create, delete, idempotency, plan, problem, read,
    transaction, upsert,
};

/// How often a transaction that collided with others is tried.
const TRIES: u32 = 4;

#[derive(Clone)]
pub struct Settings {
    /// An anonymous caller is admin: for one's own machine.
    pub open: bool,
    pub limits: Limits,
    /// How agents get the nodes where they name no group.
    pub tools: Tools,
    pub groups: Arc<[Group]>,
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
    in_flight: InFlight,
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
        })));
        let (store_of_feed, live_of_feed) = (store.clone(), Arc::clone(&live));
        Ok(Arc::new(Self {
            feed: Feed::new(
                store_of_feed,
                live_of_feed,
                signer.clone(),
                &settings.limits,
            ),
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

    /// Ends all streams of changes. Other calls go on.
    pub async fn end_changes(&self) {
        self.feed.end().await;
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
        check(&what, &node, principal, &options)?;
        let pairs = arguments::decode(&query)?;
        let cx = Context {
            view: who.view(&live),
            live: &live,
            principal,
            limits: &live.limits,
            signer: self.callers.signer(),
            store: &self.store,
            answers: Answers {
                cache: self.cache.as_ref(),
                marks: &live.marks,
            },
            options: &options,
            now: this_moment(),
        };
        if let (true, What::Of(model, verb)) = (is_import, &what) {
            let import = Import {
                model,
                verb: *verb,
                pairs,
                key: Key::of(&options, &principal.id, &node, || [0; 32])?,
                asked: Hash::new(&node, &query),
                deadline,
            };
            return import::call(&cx, &self.in_flight, import, input).await;
        }
        let deadline = deadline.or_else(|| Instant::now().checked_add(live.limits.deadline));
        let media = input.media;
        let bytes = whole(input, live.limits.body_bytes, &what).await?;
        let text = read_text(&cx, &what, media, &bytes)?;
        if matches!(what, What::Of(..) | What::Tx) {
            let hash = || Hash::new(&node, &query).of(&bytes);
            let key = Key::of(&options, &principal.id, &node, hash)?;
            let work = Work {
                what: &what,
                pairs,
                text: &text,
                key,
                deadline,
            };
            return self.work(&cx, work).await;
        }
        self.own(&cx, &what, &node, pairs, &text).await
    }

    async fn work(&self, cx: &Context<'_>, work: Work<'_>) -> Result<Answer, Problem> {
        if !needs_transaction(cx, &work) {
            let mut door = Door::Direct {
                store: &self.store,
                answers: cx.answers,
                deadline: work.deadline,
            };
            return run(cx, &mut door, work.what, work.pairs, work.text).await;
        }
        let key = work.key.as_ref();
        let _held = key.map(|key| self.in_flight.enter(key)).transpose()?;
        let mut tries = 1;
        loop {
            match self.transaction(cx, &work).await {
                Err(problem) if problem.code == Code::WriteConflict && tries < TRIES => {
                    // Colliding again at the same moment would help nobody.
                    let pause = Duration::from_millis(u64::from(tries) * 10);
                    tokio::time::sleep(pause).await;
                    tries += 1;
                }
                answer => return answer,
            }
        }
    }

    async fn transaction(&self, cx: &Context<'_>, work: &Work<'_>) -> Result<Answer, Problem> {
        let begun = self.store.begin(work.deadline).await;
        let mut tx = begun.map_err(problem::of_store)?;
        let done = async {
            if let Some(key) = &work.key
                && let Some(replay) = key.claim(&mut tx).await?
            {
                return Ok((replay, Touched::new()));
            }
            let mut door = Door::within(&mut tx);
            let answer = run(cx, &mut door, work.what, work.pairs.clone(), work.text).await?;
            check_affected(door.changed(), cx.options)?;
            let touched = door.touched();
            if let Some(key) = &work.key {
                let kept = idempotency::kept(&answer)?;
                key.keep(&mut tx, &kept).await?;
            }
            Ok((answer, touched))
        }
        .await;
        settle(cx, tx, done).await
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

struct Work<'a> {
    what: &'a What,
    pairs: Pairs,
    text: &'a str,
    key: Option<Key>,
    deadline: Option<Instant>,
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

/// Keeps what was done, unless it failed or was only tried.
pub(crate) async fn settle(
    cx: &Context<'_>,
    tx: Tx,
    done: Result<(Answer, Touched), Problem>,
) -> Result<Answer, Problem> {
    match done {
        Ok((mut answer, _)) if cx.options.dry_run && !answer.meta.replayed => {
            tx.rollback().await.map_err(problem::of_store)?;
            answer.meta.rolled_back = true;
            Ok(answer)
        }
        Ok((answer, touched)) => {
            let change = cx.answers.change(&touched);
            let committed = tx.commit().await;
            if let Some(change) = change {
                Box::pin(change.done()).await;
            }
            committed.map_err(problem::of_store)?;
            Ok(answer)
        }
        Err(problem) => {
            // The problem that matters is the call's; the database undoes an unfinished transaction anyway.
            let _ = tx.rollback().await;
            Err(problem)
        }
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

fn needs_transaction(cx: &Context<'_>, work: &Work<'_>) -> bool {
    let together = match work.what {
        What::Of(_, verb) if verb.is_read() => return false,
        // A list of new records is one statement; in any other form it may be several.
        What::Of(_, Verb::BulkCreate) => !work.text.starts_with('['),
        What::Of(model, verb) => {
            verb.is_bulk() || (*verb == Verb::Delete && delete::has_referrers(cx, model))
        }
        _ => true,
    };
    together || work.key.is_some() || cx.options.dry_run || cx.options.max_affected.is_some()
}

/// Refuses what changed more than the caller allows; the transaction is rolled back then.
pub(crate) fn check_affected(changed: u64, options: &Options) -> Result<(), Problem> {
    match options.max_affected {
        Some(most) if changed > most => Err(Problem::new(Code::MaxAffected).detail(format!(
            "{changed} records would change, and {most} are allowed; nothing was changed"
        ))),
        _ => Ok(()),
    }
}

async fn run(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    what: &What,
    pairs: Pairs,
    text: &str,
) -> Result<Answer, Problem> {
    match what {
        What::Of(model, verb) => perform(cx, door, model, *verb, pairs, text).await,
        _ => transaction::call(cx, door, pairs, text).await,
    }
}

/// One node of a model.
pub(crate) fn perform<'a>(
    cx: &'a Context<'a>,
    door: &'a mut Door<'_>,
    model: &'a Arc<Model>,
    verb: Verb,
    pairs: Pairs,
    text: &'a str,
) -> BoxFuture<'a, Result<Answer, Problem>> {
    async move {
        // Who may not do it at all learns nothing from how the input is read.
        for action in verb.needs() {
            cx.grant(model, *action)?;
        }
        match verb {
            Verb::BulkCreate => return bulk::create(cx, door, model, pairs, text).await,
            Verb::BulkUpdate => return bulk::update(cx, door, model, pairs, text).await,
            Verb::BulkDelete => return bulk::delete(cx, door, model, pairs, text).await,
            Verb::BulkUpsert => return bulk::upsert(cx, door, model, pairs, text).await,
            Verb::Bulk => return bulk::bulk(cx, door, model, pairs, text).await,
            _ => {}
        }
        let object = body::object(text, "")?;
        let done = match verb {
            Verb::Read => return read::read(cx, door, model, pairs, &object).await,
            Verb::List => return read::list(cx, door, model, pairs, &object).await,
            Verb::Count => return read::count(cx, door, model, pairs, &object).await,
            Verb::Search => return read::search(cx, door, model, pairs, &object).await,
            Verb::Aggregate => return aggregate::call(cx, door, model, pairs, &object).await,
            Verb::Create => create::call(cx, door, model, pairs, &object).await?,
            Verb::Update => change::call(cx, door, model, pairs, &object, How::Update).await?,
            Verb::Replace => change::call(cx, door, model, pairs, &object, How::Replace).await?,
            Verb::Restore => change::restore(cx, door, model, pairs, &object).await?,
            Verb::Delete => delete::call(cx, door, model, pairs, &object).await?,
            _ => upsert::call(cx, door, model, pairs, &object).await?,
        };
        Ok(done.answer())
    }
    .boxed()
}
