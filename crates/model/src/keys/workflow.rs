//! workflows/*.yaml

use super::model::INPUT;
use crate::shape::{Shape, Table, key, required};

pub(crate) const OVERLAP: &[&str] = &["skip", "queue", "cancel_running"];
pub(crate) const MISSED: &[&str] = &["none", "latest", "all"];
pub(crate) const TASKS: &[&str] = &["required", "optional", "forbidden"];
pub(crate) const ASKED: &[&str] = &["person", "model", "roots"];
pub(crate) const OFFERS: &[&str] = &["tool", "prompt"];
pub(crate) const CHANGES: &[&str] = &["create", "update", "delete"];
/// Of these a step has one.
pub(crate) const KINDS: &[&str] = &[
    "node", "each", "switch", "parallel", "try", "wait", "workflow", "approve",
];

pub(crate) static WORKFLOW: Table = Table {
    hint: "",
    keys: &[
        required(
            "workflow",
            Shape::Text,
            "The workflow's name in lower case; it is called as workflow.<name>.",
        ),
        key(
            "about",
            Shape::Text,
            "What it does, for people and for agents.",
        ),
        key(
            "inputs",
            Shape::NamesOrSchema(&Shape::Map(&INPUT)),
            "Its arguments, typed as fields of models are: film: { type: uuid }. With $schema, a JSON Schema 2020-12.",
        ),
        required(
            "steps",
            Shape::List(&A_STEP),
            "What it does, in order: { id, node, with, if, retry }.",
        ),
        key(
            "outputs",
            Shape::Any,
            "What it answers, made of the steps' answers; null unless said.",
        ),
        key(
            "triggers",
            Shape::List(&Shape::Map(&TRIGGER)),
            "What starts it: { cron: \"0 3 * * *\", tz: Europe/Berlin }.",
        ),
        key(
            "run_as",
            Shape::Text,
            "The role that its steps are called as; whoever started it unless said.",
        ),
        key(
            "start",
            Shape::List(&Shape::Text),
            "The roles that may start it; whoever is known unless said, and with run_as admins only.",
        ),
        key(
            "task",
            Shape::Word(TASKS),
            "Whether agents follow a run as a task: always, never, or where it may take long.",
        ),
        key(
            "offer",
            Shape::Either(&Shape::Word(OFFERS), &Shape::Map(&RESOURCE)),
            "As what agents get it: tool unless said, prompt, or { resource: \"cinema://films/{film}\" }.",
        ),
        key(
            "concurrency",
            Shape::Map(&CONCURRENCY),
            "How many runs are under way at a time.",
        ),
        key(
            "timeout",
            Shape::Duration,
            "How long a run may take in all.",
        ),
        key(
            "retention",
            Shape::Map(&RETENTION),
            "How long ended runs are kept: 14 days and 10,000 unless said.",
        ),
    ],
};

static A_STEP: Shape = Shape::Defined("step", &STEP);
static STEPS: Shape = Shape::List(&A_STEP);

static STEP: Table = Table {
    hint: "it as { id: save, node: Film.update, with: { … } }",
    keys: &[
        key(
            "id",
            Shape::Text,
            "Later steps know its answer by this name.",
        ),
        key(
            "if",
            Shape::Text,
            "Skips the step where this expression does not hold: \"{{ before.rating != inputs.rating }}\".",
        ),
        key(
            "node",
            Shape::Text,
            "Calls this node: Film.update, http.request.",
        ),
        key(
            "with",
            Shape::Any,
            "The arguments of the node or the workflow that is called.",
        ),
        key(
            "each",
            Shape::Text,
            "Does its steps once for each item of a list: \"{{ films }}\".",
        ),
        key(
            "as",
            Shape::Text,
            "With each, the name of the item in its steps; item unless said.",
        ),
        key(
            "steps",
            Shape::List(&A_STEP),
            "With each, what is done for each item.",
        ),
        key(
            "switch",
            Shape::Text,
            "Does the steps of the first case that equals: \"{{ film.genre }}\".",
        ),
        key(
            "cases",
            Shape::List(&Shape::Map(&CASE)),
            "With switch, the values and what is done.",
        ),
        key(
            "default",
            Shape::List(&A_STEP),
            "With switch, what is done where no case fits.",
        ),
        key(
            "parallel",
            Shape::Either(&Shape::Count(1, 64), &Shape::Names(&STEPS)),
            "Does branches at the same time: { left: [steps], right: [steps] }. With each, how many items at a time; 1 unless said.",
        ),
        key("try", Shape::List(&A_STEP), "Steps that may fail."),
        key(
            "catch",
            Shape::List(&A_STEP),
            "With try, what is done when they failed; knows the problem as `problem`.",
        ),
        key(
            "finally",
            Shape::List(&A_STEP),
            "With try, what is done whatever happened.",
        ),
        key(
            "wait",
            Shape::Either(&Shape::Duration, &Shape::Map(&WAIT)),
            "Waits for a time, until a time, or for a signal: 10m, { until: \"{{ … }}\" }, { signal: paid, timeout: 1d }.",
        ),
        key(
            "workflow",
            Shape::Text,
            "Runs another workflow, and answers what it answers.",
        ),
        key(
            "approve",
            Shape::Map(&APPROVE),
            "Waits until a person says yes or no, or a client's model answers.",
        ),
        key(
            "retry",
            Shape::Map(&RETRY),
            "How often and when it is tried again; 3 tries unless said.",
        ),
        key("timeout", Shape::Duration, "How long one try may take."),
    ],
};

static CASE: Table = Table {
    hint: "it as { is: drama, steps: [ … ] }",
    keys: &[
        required("is", Shape::Any, "The value."),
        required(
            "steps",
            Shape::List(&A_STEP),
            "What is done where it equals.",
        ),
    ],
};

static WAIT: Table = Table {
    hint: "it as 10m, { until: \"{{ … }}\" } or { signal: paid, timeout: 1d }",
    keys: &[
        key(
            "until",
            Shape::Text,
            "A timestamp: \"{{ run.started_at|plus('1d') }}\".",
        ),
        key("signal", Shape::Text, "The signal's name."),
        key(
            "timeout",
            Shape::Duration,
            "How long to wait for the signal; without end unless said.",
        ),
    ],
};

static APPROVE: Table = Table {
    hint: "it as { message: Publish it?, role: editor }",
    keys: &[
        required(
            "message",
            Shape::Text,
            "What the person or the model is asked.",
        ),
        key(
            "role",
            Shape::Text,
            "Who may say it; whoever may see the run unless said.",
        ),
        key(
            "of",
            Shape::Word(ASKED),
            "Who is asked: a person unless said, the language model of an agent's client, or that client for its roots.",
        ),
        key(
            "tokens",
            Shape::Count(1, 100_000),
            "With of: model, the most that it may write; 1000 unless said.",
        ),
        key(
            "form",
            Shape::NamesOrSchema(&Shape::Map(&INPUT)),
            "What they fill in with a yes, typed as inputs are: price: { type: decimal }. With $schema, a JSON Schema 2020-12.",
        ),
        key(
            "timeout",
            Shape::Duration,
            "How long to wait; without end unless said.",
        ),
    ],
};

static RETRY: Table = Table {
    hint: "it as { attempts: 5, initial: 1s, factor: 2, max: 60s }",
    keys: &[
        key(
            "attempts",
            Shape::Count(1, 100),
            "Tries in all; 3 unless said.",
        ),
        key(
            "initial",
            Shape::Duration,
            "The pause before the second try; 1s unless said.",
        ),
        key(
            "factor",
            Shape::Scalar,
            "By how much each pause is longer than the one before; 2 unless said.",
        ),
        key(
            "max",
            Shape::Duration,
            "The longest pause; 60s unless said.",
        ),
        key(
            "jitter",
            Shape::Bool,
            "Whether a pause is any time up to that; true unless said.",
        ),
        key(
            "on",
            Shape::List(&Shape::Text),
            "The codes of problems after which it is tried again; all that another try may heal unless said.",
        ),
    ],
};

static RESOURCE: Table = Table {
    hint: "it as { resource: \"cinema://films/{film}\", type: text/markdown }",
    keys: &[
        required(
            "resource",
            Shape::Text,
            "Its address; what is in braces are inputs.",
        ),
        key(
            "type",
            Shape::Text,
            "The media type of what it answers; text/plain for texts, application/json for all else unless said.",
        ),
    ],
};

static CONCURRENCY: Table = Table {
    hint: "it as { key: \"{{ inputs.film }}\", limit: 1 }",
    keys: &[
        key(
            "key",
            Shape::Text,
            "Runs with the same key are counted together; all runs unless said.",
        ),
        required(
            "limit",
            Shape::Count(1, 10_000),
            "How many are under way at a time; the others wait in order.",
        ),
    ],
};

static RETENTION: Table = Table {
    hint: "it as { age: 14d, runs: 10000 }",
    keys: &[
        key(
            "age",
            Shape::Duration,
            "Ended runs older than this are forgotten.",
        ),
        key(
            "runs",
            Shape::Count(1, 10_000_000),
            "So many ended runs are kept at most.",
        ),
    ],
};

static TRIGGER: Table = Table {
    hint: "it as { cron: \"0 3 * * *\" }, { change: Film } or { webhook: paid, secret: shop }",
    keys: &[
        key(
            "cron",
            Shape::Text,
            "Minute, hour, day, month, weekday: \"0 3 * * 1-5\".",
        ),
        key(
            "tz",
            Shape::Text,
            "With cron, the time zone: Europe/Berlin. UTC unless said.",
        ),
        key(
            "overlap",
            Shape::Word(OVERLAP),
            "With cron, what a tick does while an earlier one's run is under way; skip unless said.",
        ),
        key(
            "missed",
            Shape::Word(MISSED),
            "With cron, what becomes of ticks that nobody was there for; latest unless said.",
        ),
        key(
            "change",
            Shape::Text,
            "Starts it when a record of this model was changed.",
        ),
        key(
            "on",
            Shape::List(&Shape::Word(CHANGES)),
            "With change, which changes; all unless said.",
        ),
        key(
            "if",
            Shape::Text,
            "With change, only where this holds: \"{{ record.imdb_votes > 1000 }}\".",
        ),
        key(
            "webhook",
            Shape::Text,
            "Starts it with POST /nexus/v1/hooks/<this>.",
        ),
        key(
            "secret",
            Shape::Text,
            "With webhook, the name of the secret that signs the body.",
        ),
        key(
            "with",
            Shape::Any,
            "The run's inputs; may use `time`, `record` and `op`, or `body`.",
        ),
    ],
};
