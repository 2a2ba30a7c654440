//! Work that meets on its way: what arrives while others are under way goes together in the next round.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Jobs that wait for a round, and how many rounds are under way. Nobody waits for others to come: who finds a round
/// free goes at once, so that a lone caller pays nothing, and many callers share by themselves.
pub struct Rounds<T> {
    state: Mutex<State<T>>,
    /// Rounds under way at once.
    most: usize,
}

struct State<T> {
    waiting: Vec<T>,
    running: usize,
}

impl<T> Rounds<T> {
    pub fn new(most: usize) -> Self {
        let state = State {
            waiting: Vec::new(),
            running: 0,
        };
        Self {
            state: Mutex::new(state),
            most,
        }
    }

    /// Whether the caller may go now, alone; it must ask for the [`Rounds::next`] when it is done. Else the job, made
    /// only then, waits for a round of others.
    pub fn goes_now(&self, job: impl FnOnce() -> T) -> bool {
        let mut state = self.state();
        let now = state.running < self.most;
        if now {
            state.running += 1;
        } else {
            state.waiting.push(job());
        }
        now
    }

    /// The job waits for a round. Whether one is free, which the caller must begin: it lets those go on who were woken at
    /// the same moment, so that they come along, and asks for the [`Rounds::next`].
    pub fn begins(&self, job: T) -> bool {
        let mut state = self.state();
        state.waiting.push(job);
        let begins = state.running < self.most;
        state.running += usize::from(begins);
        begins
    }

    /// Who has waited longest, at most so many, to be carried out by whoever just ended; none ends the round.
    pub fn next(&self, most: usize) -> Vec<T> {
        let mut state = self.state();
        if state.waiting.is_empty() {
            state.running -= 1;
        }
        let most = most.min(state.waiting.len());
        let rest = state.waiting.split_off(most);
        std::mem::replace(&mut state.waiting, rest)
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The deadline of a round: the latest of its jobs', and none where one of them has none.
pub fn latest(deadlines: impl IntoIterator<Item = Option<Instant>>) -> Option<Instant> {
    let later = |one: Option<Instant>, other: Option<Instant>| Some(one?.max(other?));
    deadlines.into_iter().reduce(later).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_while_others_are_under_way_goes_with_the_next_round() {
        let rounds = Rounds::new(1);
        assert!(rounds.goes_now(|| 1));
        assert!(!rounds.goes_now(|| 2));
        assert!(!rounds.goes_now(|| 3));
        assert_eq!(rounds.next(9), [2, 3]);
        assert!(!rounds.goes_now(|| 4), "the round of 2 and 3 is under way");
        assert_eq!(rounds.next(9), [4]);
        assert!(rounds.next(9).is_empty());
        assert!(rounds.goes_now(|| 5), "nobody is under way");
    }

    #[test]
    fn a_round_that_begins_takes_who_came_at_the_same_moment() {
        let rounds = Rounds::new(2);
        assert!(rounds.begins(1));
        assert!(rounds.begins(2));
        assert!(!rounds.begins(3));
        assert_eq!(rounds.next(9), [1, 2, 3]);
        assert!(rounds.next(9).is_empty(), "the second round ends");
        assert!(rounds.begins(4), "one is free again");
    }
}
