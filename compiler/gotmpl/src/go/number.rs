//! Numbers as Go's `strconv` reads and writes them.

/// Which of Go's float formats to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Float {
    /// `%e`.
    Exponent,
    /// `%f`.
    Fixed,
    /// `%g`.
    General,
}

/// `strconv.FormatFloat(value, 'g', -1, 64)`.
pub(crate) fn general(value: f64) -> String {
    float(value, Float::General, None)
}

/// `strconv.FormatFloat` with the shortest digits, or with `precision` digits.
pub(crate) fn float(value: f64, format: Float, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    match (format, precision) {
        (Float::Fixed, Some(digits)) => format!("{value:.digits$}"),
        (Float::Fixed, None) => format!("{value}"),
        (Float::Exponent, Some(digits)) => go_exponent(&format!("{value:.digits$e}")),
        (Float::Exponent, None) => go_exponent(&format!("{value:e}")),
        (Float::General, precision) => general_with(value, precision),
    }
}

fn general_with(value: f64, precision: Option<usize>) -> String {
    let scientific = match precision {
        None => format!("{value:e}"),
        Some(digits) => format!("{:.*e}", digits.max(1) - 1, value),
    };
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    // Go drops the zeros that a precision leaves at the end.
    let mantissa = if mantissa.contains('.') {
        mantissa.trim_end_matches('0').trim_end_matches('.')
    } else {
        mantissa
    };
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let limit = match precision {
        None => 6,
        Some(precision) => {
            let wanted = i32::try_from(precision.max(1)).unwrap_or(i32::MAX);
            let have = i32::try_from(digits).unwrap_or(i32::MAX);
            if wanted > have && have > exponent { have } else { wanted }
        }
    };
    if exponent < -4 || exponent >= limit {
        return go_exponent(&format!("{mantissa}e{exponent}"));
    }
    let places = usize::try_from(i32::try_from(digits).unwrap_or(i32::MAX) - 1 - exponent).unwrap_or(0);
    format!("{value:.places$}")
}

/// Gives the exponent a sign and at least two digits.
fn go_exponent(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text.to_owned();
    };
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// `strconv.ParseInt(text, 0, 64)`, with or without the underscores that Go allows between digits.
pub(crate) fn parse_int(text: &str, underscores: bool) -> Option<i64> {
    let (negative, magnitude) = split_sign(text);
    let value = parse_magnitude(magnitude, underscores)?;
    if negative {
        0_i64.checked_sub_unsigned(value)
    } else {
        i64::try_from(value).ok()
    }
}

/// `strconv.ParseUint(text, 0, 64)`.
pub(crate) fn parse_uint(text: &str, underscores: bool) -> Option<u64> {
    parse_magnitude(text, underscores)
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn parse_magnitude(text: &str, underscores: bool) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (radix, digits, prefixed) = if let Some(digits) = lower.strip_prefix("0x") {
        (16, digits, true)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (8, digits, true)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (2, digits, true)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, lower.get(1..)?, true)
    } else {
        (10, lower.as_str(), false)
    };
    if !digits.contains('_') {
        if digits.is_empty() || digits.starts_with(['+', '-']) {
            return None;
        }
        return u64::from_str_radix(digits, radix).ok();
    }
    if !underscores || digits.ends_with('_') || digits.contains("__") || (digits.starts_with('_') && !prefixed) {
        return None;
    }
    u64::from_str_radix(&digits.replace('_', ""), radix).ok()
}

/// `strconv.ParseFloat(text, 64)` for the spellings that templates and YAML use.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let allowed = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    if text.is_empty() || !text.bytes().all(allowed) || !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    value.is_finite().then_some(value)
}
