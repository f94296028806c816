//! The settings of the runner, as a plan holds them.

use ktl_lang::stack;
use ktl_plan::{AdaptiveMode, FailMode, Limits, Runner};

/// What the stack asks for, the rest by default.
pub(super) fn runner(asked: &stack::Runner) -> Runner {
    let default = Runner::default();
    Runner {
        concurrency: asked.concurrency.unwrap_or(default.concurrency),
        fail_mode: FailMode::FailFast,
        progressive_concurrency: asked.progressive_concurrency.unwrap_or(default.progressive_concurrency),
        limits: Limits {
            max_parallel_per_namespace: asked.max_parallel_per_namespace,
            max_parallel_kind: asked.max_parallel_kind.clone(),
            parallelism_group_limit: asked.parallelism_group_limit,
        },
        adaptive: asked.adaptive.as_ref().map(adaptive),
        kube_qps: asked.kube_qps,
        kube_burst: asked.kube_burst,
        api_max_in_flight: asked.api_max_in_flight,
    }
}

fn adaptive(asked: &stack::Adaptive) -> ktl_plan::Adaptive {
    let mode = asked.mode.as_deref().and_then(|mode| match mode {
        "conservative" => Some(AdaptiveMode::Conservative),
        "balanced" => Some(AdaptiveMode::Balanced),
        "aggressive" => Some(AdaptiveMode::Aggressive),
        _ => None,
    });
    ktl_plan::Adaptive {
        mode,
        min: asked.min,
        window: asked.window,
        ramp_after_successes: asked.ramp_after_successes,
        ramp_max_failure_permille: asked.ramp_max_failure_rate.as_deref().and_then(permille),
        cooldown_severe: asked.cooldown_severe,
    }
}

/// `0.305` is 305, `1` is 1000; finer digits are dropped. A plan holds integers only.
fn permille(decimal: &str) -> Option<u32> {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
    whole
        .parse::<u32>()
        .ok()?
        .checked_mul(1000)?
        .checked_add(fraction.parse().ok()?)
}
