//! The order of keys: go-yaml sorts numbers within keys by value, and letters after everything else.

use std::cmp::Ordering;

/// go-yaml's `keyList.Less` as an ordering.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (left, right): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = left.iter().zip(&right).position(|(x, y)| x != y) else {
        return left.len().cmp(&right.len());
    };
    let (Some(x), Some(y)) = (left.get(at), right.get(at)) else {
        return Ordering::Equal;
    };
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x.cmp(y),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // Digits before the difference make a leading zero count.
    let mut start = 0;
    if *x == '0' || *y == '0' {
        let digits = left
            .iter()
            .take(at)
            .rev()
            .take_while(|character| character.is_ascii_digit());
        if digits.into_iter().any(|digit| *digit != '0') {
            start = 1;
        }
    }
    let (x_value, x_length) = number(&left, at, start);
    let (y_value, y_length) = number(&right, at, start);
    x_value.cmp(&y_value).then(x_length.cmp(&y_length)).then(x.cmp(y))
}

fn number(text: &[char], at: usize, start: i64) -> (i64, usize) {
    let digits = text.iter().skip(at).map_while(|character| character.to_digit(10));
    digits.fold((start, 0), |(value, length), digit| {
        (value.wrapping_mul(10).wrapping_add(i64::from(digit)), length + 1)
    })
}
