//! workflows/*.yaml: procedures made of nodes. What a file says, checked against the models and its own earlier steps.

mod address;
mod answer;
mod cron;
mod effects;
mod expression;
mod filters;
mod form;
mod input;
mod json;
mod json_schema;
mod names;
mod outside;
mod path;
mod read;
mod schedule;
mod task;
mod template;
mod words;

use std::time::Duration;

use wire::NodeName;

pub use self::address::UriTemplate;
pub use self::cron::Cron;
pub use self::effects::Effects;
pub use self::form::Form;
pub use self::outside::{Argument, OutsideNode, outside};
pub(crate) use self::read::read_all;

/// One file.
#[derive(Debug, Clone)]
pub struct Workflow {
    /// `rate`; it is started as `workflow.rate`.
    pub name: String,
    pub about: String,
    /// Of the file's text: 16 hexadecimal digits of its SHA-256.
    pub version: String,
    /// The file, word for word.
    pub text: String,
    pub inputs: Form,
    pub steps: Vec<Step>,
    /// What it answers; null unless said.
    pub outputs: Template,
    /// The role that its steps are called as; whoever started it unless said.
    pub run_as: Option<String>,
    /// Roles that may start it. Empty: whoever is known, and with `run_as` admins only.
    pub start: Vec<String>,
    pub triggers: Vec<Trigger>,
    /// What the file says; [`Workflow::task_support`] says what holds.
    pub task: Option<wire::TaskSupport>,
    /// As what agents get it.
    pub primitive: wire::Primitive,
    /// With those of the workflows that it calls, where the project was read as a whole.
    pub effects: Effects,
    pub concurrency: Option<Concurrency>,
    /// How long a run may take in all.
    pub timeout: Option<Duration>,
    pub retention: Retention,
}

#[derive(Debug, Clone)]
pub struct Step {
    /// Later steps know its answer by this name.
    pub id: String,
    pub condition: Option<Expression>,
    pub action: Action,
    pub retry: Retry,
    /// Of one try.
    pub timeout: Option<Duration>,
}

#[derive(Debug, Clone)]
pub enum Action {
    /// A node of the catalogue, of ours or with effects outside.
    Node {
        node: NodeName,
        with: Template,
    },
    /// The steps once for each item, `parallel` of them at a time; answers the list of the last steps' answers.
    Each {
        items: Expression,
        /// The name of the item within; `item` unless said. `index` counts from 0.
        name: String,
        parallel: u32,
        steps: Vec<Step>,
    },
    /// The first case whose value equals; answers its last step's answer, null where none fits.
    Switch {
        on: Expression,
        cases: Vec<(serde_json::Value, Vec<Step>)>,
        default: Vec<Step>,
    },
    /// All at once; answers an object of each branch's last answer.
    Parallel {
        branches: Vec<(String, Vec<Step>)>,
    },
    /// `catch` knows the problem as `problem`; `finally` runs whatever happens.
    Try {
        steps: Vec<Step>,
        catch: Vec<Step>,
        finally: Vec<Step>,
    },
    Wait(Wait),
    /// Another workflow, as a run of its own; answers its output.
    Call {
        workflow: String,
        with: Template,
    },
    /// A person of that role (anyone who may see the run unless said) says yes or no; answers `{approved, by, note}`, and
    /// `form` where they were asked for something. A no fails the step.
    Approve {
        message: Template,
        role: Option<String>,
        of: Asked,
        /// What they fill in with a yes.
        form: Form,
        timeout: Option<Duration>,
    },
}

/// Who answers what a step asks. What others than people answer is the step's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Person,
    /// The language model of an agent's client, in so many tokens at most: `{text}`.
    Model {
        tokens: u32,
    },
    /// An agent's client itself, of the folders that it has open: `{roots}`.
    Roots,
}

#[derive(Debug, Clone)]
pub enum Wait {
    For(Duration),
    /// A timestamp.
    Until(Expression),
    /// Answers the payload; fails with `timeout` where none comes in time.
    Signal {
        name: String,
        timeout: Option<Duration>,
    },
}

/// JSON with expressions in its texts.
#[derive(Debug, Clone)]
pub enum Template {
    Constant(serde_json::Value),
    /// A text that is one whole `{{ … }}`: keeps the value's type.
    Whole(Expression),
    /// Any other text with `{{ … }}` in it.
    Text(Vec<Part>),
    List(Vec<Template>),
    Map(Vec<(String, Template)>),
}

#[derive(Debug, Clone)]
pub enum Part {
    Text(String),
    Expression(Expression),
}

/// Minijinja, compiled when the file was read.
#[derive(Clone)]
pub struct Expression {
    pub source: String,
    pub compiled: std::sync::Arc<minijinja::Expression<'static, 'static>>,
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{{{{ {} }}}}", self.source)
    }
}

/// Full jitter: a pause is any time up to what this says.
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    /// Tries in all.
    pub attempts: u32,
    pub initial: Duration,
    pub factor: f64,
    pub max: Duration,
    pub jitter: bool,
    /// Codes of problems; empty for all that another try may heal.
    pub on: Vec<wire::Code>,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 3,
            initial: Duration::from_secs(1),
            factor: 2.0,
            max: Duration::from_mins(1),
            jitter: true,
            on: Vec::new(),
        }
    }
}

#[derive(Debug, Clone)]
pub enum Trigger {
    Cron {
        /// Five fields, as written.
        cron: String,
        /// IANA; UTC unless said.
        zone: String,
        overlap: Overlap,
        missed: Missed,
        with: Template,
    },
    /// A record of that model was changed; the run gets it as its input `record`, `op` beside it.
    Change {
        model: String,
        on: Vec<crate::Action>,
        filter: Option<Expression>,
        with: Template,
    },
    /// `POST /nexus/v1/hooks/<path>` with an HMAC of its body; `secret` names a file of secrets.
    Webhook {
        path: String,
        secret: String,
        with: Template,
    },
}

/// What a tick does while an earlier one's run is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlap {
    #[default]
    Skip,
    Queue,
    CancelRunning,
}

/// What becomes of ticks that nobody was there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missed {
    None,
    #[default]
    Latest,
    All,
}

/// Of runs with the same key at most `limit` are under way; the others wait in order.
#[derive(Debug, Clone)]
pub struct Concurrency {
    /// All runs of the workflow have one key unless said.
    pub key: Option<Template>,
    pub limit: u32,
}

/// How long ended runs are kept: the older bound counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub age: Duration,
    pub runs: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            age: Duration::from_hours(14 * 24),
            runs: 10_000,
        }
    }
}
