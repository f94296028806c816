//! Simulated time: a fixed epoch plus whatever tokio's clock says has passed.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// Reads tokio's clock and names moments relative to the start of the simulation.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base: Instant,
    /// Unix seconds at `base`.
    start: i64,
    speed: f64,
}

impl Clock {
    pub fn new(start: i64, speed: f64) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 { speed } else { 1.0 };
        Self {
            base: Instant::now(),
            start,
            speed,
        }
    }

    /// Time since the start of the simulation.
    pub fn elapsed(&self) -> Duration {
        Instant::now().duration_since(self.base)
    }

    /// The instant of tokio's clock at which `elapsed` is reached.
    pub fn instant(&self, elapsed: Duration) -> Instant {
        self.base + elapsed
    }

    /// How long something that nominally takes `nominal` takes at this speed.
    pub fn scaled(&self, nominal: Duration) -> Duration {
        Duration::try_from_secs_f64(nominal.as_secs_f64() / self.speed).unwrap_or(Duration::MAX / 4)
    }

    /// Now, as `metadata.creationTimestamp` is written: whole seconds, `Z`.
    pub fn stamp(&self) -> String {
        self.stamp_at(self.elapsed())
    }

    /// The same for another moment.
    pub fn stamp_at(&self, elapsed: Duration) -> String {
        let seconds = i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX);
        Timestamp::from_second(self.start.saturating_add(seconds))
            .unwrap_or(Timestamp::MAX)
            .to_string()
    }

    /// Unix seconds now.
    pub fn unix(&self) -> i64 {
        self.start
            .saturating_add(i64::try_from(self.elapsed().as_secs()).unwrap_or(i64::MAX))
    }
}

/// Unix seconds of a timestamp as Kubernetes writes it.
pub fn parse(stamp: &str) -> Option<i64> {
    stamp.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

/// Reads a Go duration such as `1m30s`, `250ms` or `2s`.
pub fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = 0.0_f64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at_checked(digits)?;
        let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit)?;
        let scale = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * scale;
        rest = after;
    }
    Duration::try_from_secs_f64(total).ok()
}
