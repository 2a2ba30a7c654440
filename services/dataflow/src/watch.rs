//! Notices that files of a project have changed, once they are quiet again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{
    Config, Event, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher as _,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::Error;
use crate::settings::Watch;

/// Folders rather than files: editors save by putting another file in the place of the one before.
const FOLDERS: [&str; 4] = ["models", "workflows", "groups", "data"];
/// An editor saves in several steps, and a checkout writes many files.
const QUIET: Duration = Duration::from_millis(40);
/// Something that never gets quiet is read all the same.
const LONGEST: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(500);

pub(crate) struct Watcher {
    root: PathBuf,
    seen: mpsc::Receiver<()>,
    following: Box<dyn notify::Watcher + Send>,
}

impl Watcher {
    pub(crate) fn start(root: &Path, how: Watch) -> Result<Self, Error> {
        let root = root.canonicalize().map_err(|error| {
            store::Error::Setup(format!("{} cannot be watched: {error}", root.display()))
        })?;
        // One note is enough: everything is read again.
        let (note, seen) = mpsc::channel(1);
        let of = root.clone();
        let heard = move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| !matters(&of, &event)) {
                return;
            }
            // Full: a note is there already. Closed: nobody wants to know any more.
            let _ = note.try_send(());
        };
        let following: Result<Box<dyn notify::Watcher + Send>, _> = match how {
            Watch::Events => RecommendedWatcher::new(heard, Config::default()).map(boxed),
            Watch::Poll => {
                let config = Config::default().with_poll_interval(POLL);
                PollWatcher::new(heard, config.with_compare_contents(true)).map(boxed)
            }
        };
        let mut watcher = Self {
            following: following.map_err(|error| unwatched(&root, &error))?,
            root,
            seen,
        };
        watcher.follow_folders()?;
        Ok(watcher)
    }

    /// Those that are there now.
    fn follow_folders(&mut self) -> Result<(), Error> {
        let folders = FOLDERS.iter().map(|name| self.root.join(name));
        let there = folders.filter(|folder| folder.is_dir());
        for folder in std::iter::once(self.root.clone()).chain(there) {
            let watched = self.following.watch(&folder, RecursiveMode::NonRecursive);
            watched.map_err(|error| unwatched(&folder, &error))?;
        }
        Ok(())
    }

    /// Ends some moments after files have changed, and says when the first did.
    pub(crate) async fn changed(&mut self) -> Option<Instant> {
        self.seen.recv().await?;
        let first = Instant::now();
        loop {
            let until = (Instant::now() + QUIET).min(first + LONGEST);
            match timeout_at(until, self.seen.recv()).await {
                Ok(Some(())) if until < first + LONGEST => {}
                _ => break,
            }
        }
        // A folder may have come, or another one in its place.
        if let Err(error) = self.follow_folders() {
            tracing::warn!(error = %error, "some files are not watched");
        }
        Some(first)
    }
}

fn boxed(watcher: impl notify::Watcher + Send + 'static) -> Box<dyn notify::Watcher + Send> {
    Box::new(watcher)
}

fn unwatched(folder: &Path, error: &notify::Error) -> Error {
    let why = format!(
        "{} cannot be watched: {error}; looking twice a second needs nothing of the system: `poll`",
        folder.display()
    );
    store::Error::Setup(why).into()
}

/// Whether a file that is read may be another now. The database's own files lie in the same folder.
fn matters(root: &Path, event: &Event) -> bool {
    let reads = matches!(event.kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write));
    if reads {
        return false;
    }
    event.need_rescan()
        || event.paths.iter().any(|path| {
            let below = path.strip_prefix(root).unwrap_or(path);
            let first = below.iter().next().and_then(|name| name.to_str());
            first.is_some_and(|name| FOLDERS.contains(&name) || name.starts_with("gantry.y"))
        })
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, ModifyKind};

    use super::*;

    #[test]
    fn only_files_that_are_read_matter() {
        let check = |kind: EventKind, path: &str, expected: bool| {
            let event = Event::new(kind).add_path(PathBuf::from(path));
            assert_eq!(
                matters(Path::new("/app"), &event),
                expected,
                "{kind:?} {path}"
            );
        };
        let written = EventKind::Modify(ModifyKind::Any);
        check(written, "/app/models/film.yaml", true);
        check(written, "/app/gantry.yaml", true);
        check(EventKind::Create(CreateKind::Folder), "/app/models", true);
        check(
            EventKind::Access(AccessKind::Close(AccessMode::Write)),
            "/app/models/a.yaml",
            true,
        );
        check(
            EventKind::Access(AccessKind::Read),
            "/app/models/film.yaml",
            false,
        );
        check(written, "/app/data.db-wal", false);
        check(written, "/app/.gantry/data.db", false);
        check(written, "/app/README.md", false);
    }
}
