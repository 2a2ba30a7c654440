//! `transform`: a jq program over one value.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, data, unwrap_valr};
use jaq_json::Val;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use wire::{Code, Problem};

use super::Outside;
use super::arguments::{Arguments, mistake};

/// A program cannot be stopped from outside: one that goes on for ever keeps its place.
const PLACES: usize = 8;
const LONGEST: Duration = Duration::from_secs(5);
const LONGEST_PROGRAM: usize = 16 << 10;
/// Of its own, since programs and values may nest deeply.
const STACK: usize = 32 << 20;
/// Answers are put together in an array; more of them are a mistake.
const MOST_ANSWERS: usize = 100_000;
/// Nothing of this process is shown, written or ended.
const NARROWED: &str = "def env: {}; def stderr_empty: empty; def debug_empty: empty; def debug: .; def debug(f): .; \
     def stderr: .; def halt($x): error(\"halt is not offered here\"); def halt: halt(0); \
     def halt_error: halt(0); def halt_error($x): halt(0); ";

pub(super) struct Transform {
    places: Arc<Semaphore>,
}

impl Default for Transform {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(PLACES)),
        }
    }
}

impl Outside for Transform {
    fn name(&self) -> &'static str {
        "transform"
    }

    fn call(&self, input: Value) -> BoxFuture<'_, Result<Value, Problem>> {
        Box::pin(async {
            let mut arguments = Arguments::of(input)?;
            let program = arguments.required_text("jq")?;
            let input = arguments.take("input").unwrap_or_default();
            if program.len() > LONGEST_PROGRAM {
                return Err(mistake("jq", "too_long", "is longer than 16 KiB"));
            }
            let place = Arc::clone(&self.places).acquire_owned();
            let work = async {
                let place = place.await.map_err(|_| too_long())?;
                begin(program, input, place)?.await.map_err(|_| dropped())?
            };
            tokio::time::timeout(LONGEST, work)
                .await
                .unwrap_or_else(|_| Err(too_long()))
        })
    }
}

type Answer = oneshot::Receiver<Result<Value, Problem>>;

fn begin(program: String, input: Value, place: OwnedSemaphorePermit) -> Result<Answer, Problem> {
    let (tell, told) = oneshot::channel();
    let work = move || {
        // Nobody may wait for it any more.
        let _ = tell.send(run(&program, &input));
        drop(place);
    };
    let thread = thread::Builder::new()
        .name("transform".to_owned())
        .stack_size(STACK);
    thread.spawn(work).map_err(|error| {
        Problem::new(Code::Unavailable).detail(format!("no thread can be had: {error}"))
    })?;
    Ok(told)
}

/// One answer as it is, several as a list, none as null.
fn run(program: &str, input: &Value) -> Result<Value, Problem> {
    let wrong = |why: &str| mistake("jq", "invalid_value", why);
    let input = jaq_json::read::parse_single(input.to_string().as_bytes());
    let input = input.map_err(|error| wrong(&format!("cannot read its input: {error}")))?;
    let defs = jaq_core::defs()
        .chain(jaq_std::defs())
        .chain(jaq_json::defs());
    let funs = jaq_core::funs()
        .chain(jaq_std::funs())
        .chain(jaq_json::funs());
    let code = format!("{NARROWED}{program}");
    let file = File {
        code: code.as_str(),
        path: (),
    };
    let arena = Arena::default();
    let modules = Loader::new(defs).load(&arena, file);
    let modules = modules.map_err(|_| wrong("is no jq program: it cannot be parsed"))?;
    let filter = Compiler::default()
        .with_funs(funs)
        .compile(modules)
        .map_err(|errors| {
            let names = errors
                .iter()
                .flat_map(|(_, errors)| errors)
                .map(|(name, _)| *name);
            wrong(&format!(
                "names what there is not: {}",
                names.collect::<Vec<_>>().join(", ")
            ))
        })?;
    let context = Ctx::<data::JustLut<Val>>::new(&filter.lut, Vars::new([]));
    let mut answers = Vec::new();
    for answer in filter.id.run((context, input)).map(unwrap_valr) {
        let answer = answer.map_err(|error| wrong(&format!("failed: {error}")))?;
        let read = serde_json::from_str(&answer.to_string());
        answers.push(read.map_err(|_| wrong("answers what is no JSON"))?);
        if answers.len() > MOST_ANSWERS {
            return Err(wrong("has too many answers"));
        }
    }
    Ok(match answers.len() {
        0 => Value::Null,
        1 => answers.remove(0),
        _ => Value::Array(answers),
    })
}

fn too_long() -> Problem {
    Problem::new(Code::Timeout)
        .detail(format!(
            "the jq program took longer than {} s",
            LONGEST.as_secs()
        ))
        .hint("look at less of the data, or do it in several steps")
}

fn dropped() -> Problem {
    Problem::new(Code::Internal).detail("the jq program was dropped")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_program_makes_one_value_of_another() {
        let films = json!([{"title": "Alien", "year": 1979}, {"title": "Brazil", "year": 1985}]);
        let told = |program: &str| match run(program, &films) {
            Ok(value) => value.to_string(),
            Err(problem) => problem.detail,
        };
        assert_eq!(told("map(.title)"), r#"["Alien","Brazil"]"#);
        assert_eq!(told(".[] | select(.year > 1980) | .title"), "\"Brazil\"");
        assert_eq!(told(".[].year"), "[1979,1985]");
        assert_eq!(told("empty"), "null");
        assert_eq!(told("env | length"), "0");
        assert_eq!(told("[.[0].title | test(\"^A\")]"), "[true]");
        assert!(told(".[").contains("cannot be parsed"));
        assert!(told("nothing_like_it").contains("nothing_like_it"));
        assert!(told("halt").contains("halt is not offered here"));
        assert!(told("$ENV").contains("$ENV"));
        assert!(told("error(\"no\")").contains("no"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_that_goes_on_for_ever_is_given_up() {
        let transform = Transform::default();
        let endless = transform.call(json!({"jq": "last(range(100000000))", "input": null}));
        assert_eq!(endless.await.unwrap_err().code, Code::Timeout);
    }
}
