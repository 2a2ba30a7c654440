//! Which problems another try may heal, and how long to wait before it.

use std::time::Duration;

use model::workflow::Retry;
use wire::{Code, Problem};

/// Pauses that are shorter are slept; a run that pauses longer is given back.
pub(crate) const SHORT: Duration = Duration::from_secs(5);

/// How long to pause before the next try; nothing where there is none. `tries` have been made; `chance` is below 1.
pub(crate) fn pause(retry: &Retry, tries: u32, problem: &Problem, chance: f64) -> Option<Duration> {
    let heals = if retry.on.is_empty() {
        heals(problem.code)
    } else {
        retry.on.contains(&problem.code)
    };
    if !heals || tries >= retry.attempts {
        return None;
    }
    let exponent = i32::try_from(tries.saturating_sub(1)).unwrap_or(i32::MAX);
    let longest = retry.initial.as_secs_f64() * retry.factor.powi(exponent);
    let longest = longest.min(retry.max.as_secs_f64());
    let seconds = if retry.jitter {
        longest * chance
    } else {
        longest
    };
    let pause = Duration::try_from_secs_f64(seconds).unwrap_or(retry.max);
    // Whoever refused said when it is worth to come again.
    let told = problem.retry_after.map_or(Duration::ZERO, |seconds| {
        Duration::from_secs(u64::from(seconds))
    });
    let told = if problem.code == Code::RateLimited {
        told
    } else {
        Duration::ZERO
    };
    Some(pause.max(told.min(retry.max)))
}

fn heals(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::Timeout
            | Code::RequestTimeout
            | Code::WriteConflict
            | Code::RateLimited
            | Code::IdempotencyInFlight
    )
}

/// From 0 to below 1.
pub(crate) fn chance() -> f64 {
    // Without any chance the pause is the longest, which is safe.
    let bits = getrandom::u32().unwrap_or(u32::MAX);
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_longest_and_end_with_the_tries() {
        let retry = Retry {
            attempts: 5,
            max: Duration::from_secs(3),
            ..Retry::default()
        };
        let seconds = |tries, chance, code| {
            pause(&retry, tries, &Problem::new(code), chance).map(|pause| pause.as_secs_f64())
        };
        assert_eq!(seconds(1, 0.5, Code::Unavailable), Some(0.5));
        assert_eq!(seconds(2, 0.5, Code::Timeout), Some(1.0));
        assert_eq!(seconds(3, 0.5, Code::WriteConflict), Some(1.5));
        assert_eq!(seconds(4, 0.5, Code::RateLimited), Some(1.5));
        assert_eq!(seconds(5, 0.5, Code::Unavailable), None);
        assert_eq!(seconds(1, 0.5, Code::NotFound), None);
    }

    #[test]
    fn a_step_may_say_which_problems_it_tries_again() {
        let retry = Retry {
            on: vec![Code::NotFound],
            jitter: false,
            ..Retry::default()
        };
        let told = |code| pause(&retry, 1, &Problem::new(code), 0.1);
        assert_eq!(told(Code::NotFound), Some(Duration::from_secs(1)));
        assert_eq!(told(Code::Unavailable), None);
    }
}
