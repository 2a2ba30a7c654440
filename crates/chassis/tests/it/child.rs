//! This test program, started once more to be the process that is tested.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Set in the process that is tested: which of them it is.
const ROLE: &str = "CHASSIS_TEST_ROLE";

/// Whether this process is the one that is tested; the test that asks is its body.
pub(crate) fn is(role: &str) -> bool {
    std::env::var_os(ROLE).is_some_and(|set| set == role)
}

/// Starts `test` of this program in a process of its own.
pub(crate) fn start(test: &str, variables: &[(&str, &str)]) -> Child {
    #[expect(
        clippy::disallowed_methods,
        reason = "a process's end is seen from outside of it"
    )]
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture"])
        .env(ROLE, test)
        .envs(variables.iter().copied())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

pub(crate) fn signal(child: &Child, name: &str) {
    #[expect(clippy::disallowed_methods, reason = "as an operator stops a process")]
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// Waits for the end, and says whether it was a good one and how long it took.
pub(crate) fn end(mut child: Child, limit: Duration) -> (bool, Duration) {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return (status.success(), begun.elapsed());
        }
        if begun.elapsed() > limit {
            child.kill().unwrap();
            panic!("the process did not end within {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
