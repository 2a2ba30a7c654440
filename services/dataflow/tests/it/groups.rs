//! Groups while they are served: what is saved holds, what has a mistake does not.

use std::fs;
use std::path::Path;
use std::time::Duration;

use dataflow::{App, News, Settings, Watch};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::Tools;

const FILM: &str = "model: Film\nfields: { title: { type: text } }\n";
/// Only so that a failure ends.
const HANGS: Duration = Duration::from_mins(1);

fn save(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    // In one step, as editors do: half a file would be told as a mistake.
    let aside = root.join("aside");
    fs::write(&aside, text).unwrap();
    fs::rename(aside, path).unwrap();
}

/// Each group with how many nodes it offers, behind how nodes without a group are offered.
async fn told(app: &App) -> (Tools, Vec<(String, usize)>) {
    let admin = app.local_admin();
    let catalogue = app.calls().catalogue(&admin).await.unwrap();
    let groups = catalogue.groups.iter();
    let groups = groups.map(|group| (group.name.clone(), group.nodes.len()));
    (catalogue.tools, groups.collect())
}

#[tokio::test]
async fn groups_that_are_saved_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    save(root, "models/film.yaml", FILM);
    // The folder of groups comes while it is served; gantry.yaml is there, so that it is watched.
    save(root, "gantry.yaml", "name: films\n");
    let settings = Settings::embedded(root.to_path_buf(), None);
    let app = App::connect(&settings).await.unwrap();
    assert_eq!(told(&app).await, (Tools::Auto, vec![]));

    let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
    let (tell, mut heard) = mpsc::unbounded_channel();
    let tell = move |news| tell.send(news).unwrap();
    app.follow(Watch::Events, &tasks, stopping.clone(), tell)
        .unwrap();
    let mut next = async || {
        tokio::time::timeout(HANGS, heard.recv())
            .await
            .unwrap()
            .unwrap()
    };

    save(
        root,
        "groups/read.yaml",
        "group: read\nnodes: [Film.list, Film.read]\n",
    );
    let News::Reloaded(reloaded) = next().await else {
        panic!("it is no mistake")
    };
    assert_eq!(reloaded.to_string(), "what agents are offered");
    assert!(reloaded.offer && reloaded.migration.is_none() && reloaded.changes.is_empty());
    let read = ("read".to_owned(), 2);
    assert_eq!(told(&app).await, (Tools::Auto, vec![read.clone()]));

    save(
        root,
        "groups/all.yaml",
        "group: all\nnodes: [Film.*, Flim.list]\n",
    );
    let News::Refused(why) = next().await else {
        panic!("there is no Flim")
    };
    let why = why.to_string();
    assert!(
        why.contains("groups/all.yaml:2:17: there is no model `Flim`"),
        "{why}"
    );
    assert_eq!(told(&app).await, (Tools::Auto, vec![read.clone()]));

    save(root, "groups/all.yaml", "group: all\nnodes: [Film.*]\n");
    assert!(matches!(next().await, News::Reloaded(_)));
    let all = ("all".to_owned(), 14);
    assert_eq!(told(&app).await, (Tools::Auto, vec![all, read.clone()]));

    fs::remove_file(root.join("groups/all.yaml")).unwrap();
    assert!(matches!(next().await, News::Reloaded(_)));
    save(root, "gantry.yaml", "name: films\nmcp: { tools: typed }\n");
    assert!(matches!(next().await, News::Reloaded(_)));
    assert_eq!(told(&app).await, (Tools::Typed, vec![read]));

    stopping.cancel();
    tasks.close();
    tasks.wait().await;
    app.close().await;
}
