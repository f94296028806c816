//! When a failed request is repeated.

use std::time::Duration;

use ktl_cluster::{Class, Failure};
use ktl_plan::Digest;

/// What is known of a node's failed attempts.
pub(crate) struct Attempts<'a> {
    pub run: &'a str,
    pub node: &'a str,
    /// Attempts so far, from 1.
    pub count: u32,
    /// Since the first one.
    pub elapsed: Duration,
    /// How long the object may take in all.
    pub timeout: Duration,
    /// The plan defines the object's type.
    pub type_in_plan: bool,
}

/// How long to wait before the next attempt, or none if there is none.
pub(crate) fn delay(failure: &Failure, attempts: &Attempts<'_>) -> Option<Duration> {
    let millis = Duration::from_millis;
    let backoff = |first: u64, ceiling: u64| {
        let doubled = first.saturating_mul(1 << attempts.count.saturating_sub(1).min(20));
        // Between half and all of it, so that those who failed together do not come back together.
        millis(doubled.min(ceiling)).mul_f64(0.5 + 0.5 * jitter(attempts))
    };
    let (may, wait) = match failure.class {
        Class::Throttle => (attempts.elapsed < attempts.timeout, backoff(1_000, 30_000)),
        Class::Transport | Class::Overload | Class::Ambiguous => (
            attempts.elapsed < attempts.timeout.min(Duration::from_secs(300)),
            backoff(500, 15_000),
        ),
        Class::PolicyWait | Class::NamespaceTerminating => (attempts.elapsed < attempts.timeout, backoff(1_000, 5_000)),
        Class::NotServed => (
            attempts.type_in_plan && attempts.elapsed < Duration::from_secs(30),
            backoff(50, 2_000),
        ),
        Class::Race => (attempts.count <= 5, backoff(50, 500)),
        // A webhook whose pods are being replaced comes back within such a time.
        Class::Internal => (attempts.count <= 5, backoff(1_000, 15_000)),
        Class::Unknown => (attempts.count <= 2, backoff(500, 1_000)),
        _ => return None,
    };
    // The API server's own wish counts, plus a little, so that not all come back in the same moment.
    let asked = failure
        .retry_after
        .map(|after| after.mul_f64(1.0 + 0.3 * jitter(attempts)));
    may.then_some(asked.map_or(wait, |asked| asked.max(wait)))
}

/// From 0 to 1, the same for the same run, node and attempt.
fn jitter(attempts: &Attempts<'_>) -> f64 {
    let count = attempts.count.to_be_bytes();
    let digest = Digest::of_parts([attempts.run.as_bytes(), attempts.node.as_bytes(), &count]);
    let first = digest
        .hex()
        .get(..8)
        .and_then(|hex| u32::from_str_radix(hex, 16).ok())
        .unwrap_or(0);
    f64::from(first) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts(count: u32) -> Attempts<'static> {
        Attempts {
            run: "r1",
            node: "c/n/ConfigMap/a",
            count,
            elapsed: Duration::from_secs(u64::from(count)),
            timeout: Duration::from_secs(600),
            type_in_plan: false,
        }
    }

    #[test]
    fn only_what_may_pass_is_repeated() {
        let delays = |class: Class| delay(&Failure::new(class, ""), &attempts(1)).is_some();
        for class in [
            Class::Throttle,
            Class::Transport,
            Class::Overload,
            Class::Ambiguous,
            Class::Race,
            Class::Internal,
        ] {
            assert!(delays(class), "{class}");
        }
        for class in [
            Class::Invalid,
            Class::Denied,
            Class::Conflict,
            Class::Auth,
            Class::TooLarge,
            Class::NotServed,
        ] {
            assert!(!delays(class), "{class}");
        }
    }

    #[test]
    fn waits_grow_and_end_and_are_the_same_every_time() {
        let waits = |class: Class| -> Vec<Option<Duration>> {
            (1..40)
                .map(|count| delay(&Failure::new(class, ""), &attempts(count)))
                .collect()
        };
        assert_eq!(waits(Class::Overload), waits(Class::Overload));
        let internal = waits(Class::Internal);
        assert_eq!(internal.iter().flatten().count(), 5);
        assert_eq!(waits(Class::Unknown).iter().flatten().count(), 2);
        for (index, wait) in waits(Class::Overload).into_iter().enumerate() {
            let full = Duration::from_millis((500u64 << index.min(10)).min(15_000));
            let wait = wait.unwrap();
            assert!(full / 2 <= wait && wait <= full, "{index}: {wait:?}");
        }
    }

    #[test]
    fn the_servers_wish_counts() {
        let mut failure = Failure::new(Class::Throttle, "");
        failure.retry_after = Some(Duration::from_secs(40));
        let wait = delay(&failure, &attempts(1)).unwrap();
        assert!(wait >= Duration::from_secs(40) && wait <= Duration::from_secs(52));
    }
}
