//! Numbers and durations as people write them.

/// `1 release`, `2 releases`.
pub fn count(number: usize, word: &str) -> String {
    if number == 1 {
        format!("1 {word}")
    } else {
        format!("{number} {word}s")
    }
}

/// `0.4s`, `12.3s`, `4m 05s`, `1h 02m`.
pub fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    if seconds < 60 {
        format!("{seconds}.{}s", milliseconds % 1000 / 100)
    } else if seconds < 3600 {
        format!("{}m {:02}s", seconds / 60, seconds % 60)
    } else {
        format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60)
    }
}

/// `a`, `a and b`, `a, b and c`.
pub fn list<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", most.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_well() {
        assert_eq!(count(1, "release"), "1 release");
        assert_eq!(count(0, "release"), "0 releases");
        assert_eq!(duration(999), "0.9s");
        assert_eq!(duration(61_000), "1m 01s");
        assert_eq!(duration(3_720_000), "1h 02m");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }
}
