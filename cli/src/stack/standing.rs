//! How far each service of a stack has come, as its containers tell: pure, so that every turn can be tested.

use std::collections::{HashMap, HashSet};
use std::fmt;

use docker::{Container, Health, Service, Stack, State};

/// A container that was seen ending and coming back this often will not get well.
const RESTARTS: u32 = 3;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub service: String,
    pub phase: Phase,
    /// The one that keeps the service from going on.
    pub container: Option<String>,
}

/// From worst to best; a service is as far as its last container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Failed(String),
    /// For what it depends on.
    Waiting,
    Starting,
    /// Up, and nobody checks it.
    Running,
    Healthy,
    /// A job that ended well.
    Done,
}

impl Phase {
    pub fn is_good(&self) -> bool {
        *self >= Self::Running
    }

    pub fn is_failed(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed(why) => why,
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Healthy => "healthy",
            Self::Done => "done",
        })
    }
}

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Seen {
    /// Containers of an earlier start: what they say is old until this start is through.
    pub before: HashSet<String>,
    /// By container: whether it was restarting when last looked at, and how often.
    restarting: HashMap<String, (bool, u32)>,
}

/// One for each service, in the order of the stack. `counts` are the containers that somebody asked for.
pub fn standings(
    stack: &Stack,
    counts: &[(String, u16)],
    containers: &[Container],
    seen: &mut Seen,
) -> Vec<Standing> {
    for container in containers {
        let (was, times) = seen.restarting.entry(container.id.clone()).or_default();
        let is = container.state == State::Restarting;
        *times += u32::from(is && !*was);
        *was = is;
    }
    let of_service = |service: &Service| {
        let asked = counts.iter().find(|(name, _)| *name == service.name);
        let wanted = usize::from(asked.map_or(service.replicas, |(_, count)| *count));
        let own = containers.iter().filter(|c| c.service == service.name);
        let mut phases: Vec<(Phase, Option<String>)> = own
            .map(|container| {
                (
                    phase(service, container, seen),
                    Some(container.name.clone()),
                )
            })
            .collect();
        if phases.len() < wanted {
            phases.push((Phase::Waiting, None));
        }
        let (phase, container) = phases.into_iter().min().unwrap_or((Phase::Done, None));
        Standing {
            service: service.name.clone(),
            phase,
            container,
        }
    };
    stack.services.iter().map(of_service).collect()
}

fn phase(service: &Service, container: &Container, seen: &Seen) -> Phase {
    let found = match (container.state, container.health) {
        (State::Created | State::Removing, _) => Phase::Waiting,
        (State::Paused, _) | (State::Running, Health::Starting) => Phase::Starting,
        (State::Running, Health::Healthy) => Phase::Healthy,
        (State::Running, Health::Unhealthy) => Phase::Failed("unhealthy".to_owned()),
        // It counts when it has ended.
        (State::Running, Health::None) if service.job => Phase::Starting,
        (State::Running, Health::None) if service.checked => Phase::Starting,
        (State::Running, Health::None) => Phase::Running,
        (State::Restarting, _) => {
            let times = seen
                .restarting
                .get(&container.id)
                .map_or(0, |(_, times)| *times);
            if times < RESTARTS {
                Phase::Starting
            } else {
                Phase::Failed(format!(
                    "ends again and again, with {}",
                    container.exit_code
                ))
            }
        }
        (State::Exited, _) if service.job && container.exit_code == 0 => Phase::Done,
        (State::Exited | State::Dead, _) => {
            Phase::Failed(format!("ended with {}", container.exit_code))
        }
    };
    if found.is_failed() && seen.before.contains(&container.id) {
        return Phase::Waiting;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const STACK: &str = r#"{"services": {
        "api": {"image": "a", "healthcheck": {"interval": "5s"}},
        "plain": {"image": "p"},
        "seed": {"image": "s", "labels": {"gantry.job": "true"}}
    }}"#;

    /// Each container is written `service state health exit`.
    fn told(lines: &[&str], counts: &[(String, u16)], seen: &mut Seen) -> String {
        let json: Vec<String> = lines
            .iter()
            .enumerate()
            .map(|(index, line)| {
                let words: Vec<&str> = line.split(' ').collect();
                let (service, state, health, code) = (words[0], words[1], words[2], words[3]);
                format!(
                    r#"{{"ID":"{index}","Name":"x-{service}-{index}","Service":"{service}","State":"{state}","Health":"{health}","ExitCode":{code}}}"#
                )
            })
            .collect();
        let containers = docker::containers(&json.join("\n")).unwrap();
        let stack = Stack::read(STACK).unwrap();
        let standings = standings(&stack, counts, &containers, seen);
        let told = standings
            .iter()
            .map(|s| format!("{} {}", s.service, s.phase));
        told.collect::<Vec<_>>().join(", ")
    }

    #[track_caller]
    fn check(lines: &[&str], expected: &str) {
        assert_eq!(told(lines, &[], &mut Seen::default()), expected);
    }

    #[test]
    fn a_service_is_as_far_as_its_last_container() {
        check(&[], "api waiting, plain waiting, seed waiting");
        check(
            &[
                "api running starting 0",
                "plain created  0",
                "seed running  0",
            ],
            "api starting, plain waiting, seed starting",
        );
        check(
            &[
                "api running healthy 0",
                "plain running  0",
                "seed exited  0",
            ],
            "api healthy, plain running, seed done",
        );
        check(
            &[
                "api running healthy 0",
                "api running starting 0",
                "plain exited  0",
                "seed exited  3",
            ],
            "api starting, plain ended with 0, seed ended with 3",
        );
        check(
            &[
                "api running unhealthy 0",
                "plain dead  137",
                "seed created  0",
            ],
            "api unhealthy, plain ended with 137, seed waiting",
        );
    }

    #[test]
    fn all_that_were_asked_for_are_waited_for() {
        let one = [
            "api running healthy 0",
            "plain running  0",
            "seed exited  0",
        ];
        let counts = [("api".to_owned(), 2), ("plain".to_owned(), 0)];
        let told = told(&one, &counts, &mut Seen::default());
        assert_eq!(told, "api waiting, plain running, seed done");
    }

    #[test]
    fn who_comes_back_three_times_has_failed() {
        let mut seen = Seen::default();
        for expected in ["starting", "starting", "ends again and again, with 1"] {
            let down = told(&["plain restarting  1"], &[], &mut seen);
            assert_eq!(down, format!("api waiting, plain {expected}, seed waiting"));
            told(&["plain running  0"], &[], &mut seen);
        }
    }

    #[test]
    fn what_an_earlier_start_left_is_no_failure_of_this_one() {
        let mut seen = Seen::default();
        seen.before.insert("0".to_owned());
        let left = ["plain exited  137"];
        assert_eq!(
            told(&left, &[], &mut seen),
            "api waiting, plain waiting, seed waiting"
        );
        seen.before.clear();
        assert_eq!(
            told(&left, &[], &mut seen),
            "api waiting, plain ended with 137, seed waiting"
        );
    }
}
