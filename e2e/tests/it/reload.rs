//! Model files are saved again and again while clients read and create: no request fails, each good save is served,
//! a bad one changes nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::{Answer, Gantry, request};
use serde_json::{Value, json};
use testkit::Engine;

use crate::place::{self, Place};

const CLIENTS: usize = 3;
const ROUNDS: usize = 4;
/// Generous: the machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn no_request_fails_while_models_change_on_sqlite() {
    place::on(Engine::Sqlite, save_repeatedly).await;
}

#[tokio::test]
async fn no_request_fails_while_models_change_on_postgresql() {
    place::on(Engine::Postgres, save_repeatedly).await;
}

#[test]
fn files_are_looked_at_where_the_system_tells_nothing_and_folders_may_come_later() {
    let folder = tempfile::tempdir().unwrap();
    let check = |watch: &str| {
        let project = folder.path().join(watch.trim_start_matches("--"));
        fs::create_dir_all(&project).unwrap();
        fs::write(project.join("gantry.yaml"), "name: films\n").unwrap();
        let gantry = Gantry::up(&project, &[watch]).unwrap();
        fs::create_dir(project.join("models")).unwrap();
        let saver = Saver::new(&project);
        saver.film("");
        served(&gantry, "Film", OWN);
        saver.film("  plot: { type: text }\n");
        served(&gantry, "Film", &format!("{OWN} plot:text"));
        // Another folder in the place of the one before.
        let aside = project.join("before");
        fs::rename(project.join("models"), &aside).unwrap();
        served(&gantry, "Film", "");
        fs::rename(aside, project.join("models")).unwrap();
        served(&gantry, "Film", &format!("{OWN} plot:text"));
        saver.film("");
        served(&gantry, "Film", OWN);
    };
    check("--watch");
    check("--watch=poll");
}

fn save_repeatedly(place: &Place) {
    fs::create_dir_all(place.project.join("models")).unwrap();
    let saver = Saver::new(&place.project);
    saver.film("");
    under_load(place.up(&["--watch"]), &saver);
}

fn under_load(gantry: Gantry, saver: &Saver) {
    let (stop, done, failed) = (
        AtomicBool::new(false),
        AtomicUsize::new(0),
        Mutex::default(),
    );
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (stop, done, failed, port) = (&stop, &done, &failed, gantry.port);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let written = done.fetch_add(1, Ordering::Relaxed);
                    complain(failed, one_request(port, client, written));
                }
            });
        }
        // So that the clients end where a save is not served.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            saves(&gantry, saver);
        }));
        stop.store(true, Ordering::Relaxed);
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
    let failed: Vec<String> = failed.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "{} failed: {:?}\n{}",
        failed.len(),
        failed.first(),
        gantry.log()
    );
    assert!(
        done.into_inner() > CLIENTS * ROUNDS,
        "too little load to prove anything"
    );
    let status = gantry.terminate().unwrap();
    assert!(status.success(), "after SIGTERM it ended with {status}");
}

/// Creates, lists and reads in turn.
fn one_request(port: u16, client: usize, number: usize) -> anyhow::Result<Answer> {
    let film = json!({"title": format!("film {number} of {client}"), "gross": number});
    match number % 3 {
        0 => request(port, "POST", "/api/v1/film", &[], Some(&film)),
        1 => request(port, "GET", "/api/v1/film?limit=5&order=title", &[], None),
        _ => request(
            port,
            "GET",
            "/api/v1/film?gross=gte.0&select=id,title&limit=1",
            &[],
            None,
        ),
    }
}

fn complain(failed: &Mutex<Vec<String>>, answered: anyhow::Result<Answer>) {
    let why = match answered {
        Ok(answer) if answer.status < 300 => return,
        Ok(answer) => String::from_utf8_lossy(&answer.body).into_owned(),
        Err(error) => format!("{error:#}"),
    };
    failed.lock().unwrap().push(why);
}

/// What is served now, in the order of the file: `title gross plot`.
fn fields(port: u16, model: &str) -> String {
    let listing = request(port, "GET", "/api/v1/call", &[], None)
        .unwrap()
        .json()
        .unwrap();
    let models = listing["models"].as_array().unwrap();
    let found = models.iter().find(|found| found["name"] == model);
    let fields = found.and_then(|found| found["fields"].as_array());
    let names = fields.into_iter().flatten();
    let own = names.filter(|field| field["read_only"] == false);
    let told = own.map(|field| format!("{}:{}", text(&field["name"]), text(&field["kind"])));
    told.collect::<Vec<_>>().join(" ")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

struct Saver {
    models: PathBuf,
}

impl Saver {
    fn new(project: &Path) -> Self {
        Self {
            models: project.join("models"),
        }
    }

    /// As an editor saves: another file takes the place of the one before.
    fn save(&self, name: &str, text: &str) {
        let aside = self.models.join(format!(".{name}.new"));
        fs::write(&aside, text).unwrap();
        fs::rename(aside, self.models.join(name)).unwrap();
    }

    /// With more fields below those that clients use.
    fn film(&self, more: &str) {
        let fields =
            "  title: { type: text, required: true }\n  gross: { type: int, index: true }\n";
        self.save(
            "film.yaml",
            &format!("model: Film\nfields:\n{fields}{more}"),
        );
    }
}

const OWN: &str = "title:text gross:int";

fn saves(gantry: &Gantry, saver: &Saver) {
    // What earlier rounds left, with values in it: lines of the file, and as they are served.
    let (mut lines, mut shown) = (String::new(), OWN.to_owned());
    for round in 0..ROUNDS {
        let made = |kind: &str, more: &str| format!("{lines}  made: {{ type: {kind}{more} }}\n");
        saver.film(&format!("{lines}  plot: {{ type: text, index: true }}\n"));
        served(gantry, "Film", &format!("{shown} plot:text"));
        // A field goes that has no value, another comes that must have one.
        saver.film(&made("int", ", required: true, default: 1950"));
        served(gantry, "Film", &format!("{shown} made:int"));
        let decimal = made("decimal", ", required: true, default: '1950'");
        saver.film(&decimal);
        let now = format!("{shown} made:decimal");
        served(gantry, "Film", &now);

        told(gantry, &format!("broken_{round}"), || {
            saver.film(&format!(
                "{decimal}  broken_{round}: {{ type: nonsense }}\n"
            ));
        });
        assert_eq!(
            fields(gantry.port, "Film"),
            now,
            "a mistake changes nothing"
        );
        told(gantry, "mended", || saver.film(&decimal));
        told(gantry, "film.made", || saver.film(&lines));
        assert_eq!(fields(gantry.port, "Film"), now, "values wait for a person");
        told(gantry, "mended", || saver.film(&decimal));

        saver.save(
            "review.yaml",
            "model: Review\nfields:\n  film: { ref: Film }\n",
        );
        served(gantry, "Review", "film:ref");
        fs::remove_file(saver.models.join("review.yaml")).unwrap();
        served(gantry, "Review", "");
        let renamed = format!("  made_{round}: {{ type: decimal, was: made }}\n");
        saver.film(&format!("{lines}{renamed}"));
        lines.push_str(&renamed.replace(", was: made", ""));
        shown = format!("{shown} made_{round}:decimal");
        served(gantry, "Film", &shown);
    }
}

fn served(gantry: &Gantry, model: &str, expected: &str) {
    until(gantry, expected, || fields(gantry.port, model) == expected);
}

/// Saves, and waits until the log tells once more of `what`.
fn told(gantry: &Gantry, what: &str, save: impl FnOnce()) {
    let times = || gantry.log().matches(what).count();
    let before = times();
    save();
    until(gantry, what, || times() > before);
}

fn until(gantry: &Gantry, what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(
            begun.elapsed() < PATIENCE,
            "not seen: {what}\n{}",
            gantry.log()
        );
        thread::sleep(Duration::from_millis(10));
    }
}
