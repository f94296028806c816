//! Dates in Go's layouts, in UTC, and Go's durations.

/// Go's zero time, the first of January of the year 1.
pub(crate) const ZERO: i64 = -62_135_596_800;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
];

/// The elements of a layout, longest first where one begins like another.
const ELEMENTS: [&str; 34] = [
    "January",
    "Monday",
    "-07:00:00",
    "Z07:00:00",
    "-070000",
    "Z070000",
    "-07:00",
    "Z07:00",
    "2006",
    "-0700",
    "Z0700",
    "Jan",
    "Mon",
    "MST",
    "002",
    "-07",
    "Z07",
    "__2",
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "15",
    "PM",
    "pm",
    "_2",
    "1",
    "2",
    "3",
    "4",
    "5",
    ".000",
];

struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    weekday: usize,
    yearday: i64,
}

fn civil(seconds: i64) -> Civil {
    let days = seconds.div_euclid(86_400);
    let rest = seconds.rem_euclid(86_400);
    let (year, month, day) = date_of(days);
    Civil {
        year,
        month,
        day,
        hour: rest / 3600,
        minute: rest / 60 % 60,
        second: rest % 60,
        weekday: usize::try_from(days.rem_euclid(7)).unwrap_or(0),
        yearday: days - days_of(year, 1, 1) + 1,
    }
}

/// The date of a number of days since 1970, in the proleptic Gregorian calendar.
fn date_of(days: i64) -> (i64, i64, i64) {
    let shifted = days.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The first element of a layout, with what stands before and after it.
fn next_element(layout: &str) -> Option<(&str, &'static str, &str)> {
    layout.char_indices().find_map(|(at, _)| {
        let (before, rest) = layout.split_at_checked(at)?;
        let element = ELEMENTS.iter().find(|element| {
            let follows = rest.strip_prefix(**element);
            // `Jan` and `Mon` are not the beginnings of other words, and `_2006` is a year.
            follows.is_some_and(|after| match **element {
                "Mon" | "Jan" => !after.starts_with(|next: char| next.is_ascii_lowercase()),
                "_2" => !after.starts_with("006"),
                ".000" => false,
                _ => true,
            })
        })?;
        Some((before, *element, rest.get(element.len()..).unwrap_or("")))
    })
}

/// `Time.Format` in UTC.
pub(crate) fn format(layout: &str, seconds: i64) -> String {
    let at = civil(seconds);
    let month = usize::try_from(at.month - 1)
        .ok()
        .and_then(|index| MONTHS.get(index))
        .copied()
        .unwrap_or("");
    let weekday = DAYS.get(at.weekday).copied().unwrap_or("");
    let twelve = if at.hour % 12 == 0 { 12 } else { at.hour % 12 };
    let mut out = String::new();
    let mut rest = layout;
    while let Some((before, element, after)) = next_element(rest) {
        out.push_str(before);
        out.push_str(&match element {
            "January" => month.to_owned(),
            "Jan" => month.get(..3).unwrap_or("").to_owned(),
            "Monday" => weekday.to_owned(),
            "Mon" => weekday.get(..3).unwrap_or("").to_owned(),
            "2006" => format!("{:04}", at.year),
            "06" => format!("{:02}", at.year.rem_euclid(100)),
            "01" => format!("{:02}", at.month),
            "1" => at.month.to_string(),
            "02" => format!("{:02}", at.day),
            "_2" => format!("{:>2}", at.day),
            "2" => at.day.to_string(),
            "002" => format!("{:03}", at.yearday),
            "__2" => format!("{:>3}", at.yearday),
            "15" => format!("{:02}", at.hour),
            "03" => format!("{twelve:02}"),
            "3" => twelve.to_string(),
            "04" => format!("{:02}", at.minute),
            "4" => at.minute.to_string(),
            "05" => format!("{:02}", at.second),
            "5" => at.second.to_string(),
            "PM" => if at.hour >= 12 { "PM" } else { "AM" }.to_owned(),
            "pm" => if at.hour >= 12 { "pm" } else { "am" }.to_owned(),
            "MST" => "UTC".to_owned(),
            "-07:00:00" => "+00:00:00".to_owned(),
            "-070000" => "+000000".to_owned(),
            "-07:00" => "+00:00".to_owned(),
            "-0700" => "+0000".to_owned(),
            "-07" => "+00".to_owned(),
            _ => "Z".to_owned(),
        });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// `time.Parse`: seconds since 1970. The error is Go's message.
pub(crate) fn parse(layout: &str, text: &str) -> Result<i64, String> {
    let quote = crate::go::quote::quote;
    let fail = |value: &str, element: &str| {
        format!(
            "parsing time {} as {}: cannot parse {} as {}",
            quote(text),
            quote(layout),
            quote(value),
            quote(element)
        )
    };
    let (mut year, mut month, mut day, mut hour, mut minute, mut second) = (1_i64, 1_i64, 1_i64, 0_i64, 0_i64, 0_i64);
    let (mut offset, mut afternoon) = (0_i64, None);
    let (mut layout_rest, mut rest) = (layout, text);
    while let Some((before, element, after)) = next_element(layout_rest) {
        rest = rest.strip_prefix(before).ok_or_else(|| fail(rest, before))?;
        layout_rest = after;
        let bad = || fail(rest, element);
        let mut digits = |least: usize, most: usize| -> Option<i64> {
            let end = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at_checked(end).filter(|_| end >= least)?;
            rest = tail;
            number.parse().ok()
        };
        match element {
            "2006" => year = digits(4, 4).ok_or_else(bad)?,
            "06" => {
                let short = digits(2, 2).ok_or_else(bad)?;
                year = if short >= 69 { 1900 + short } else { 2000 + short };
            }
            "01" => month = digits(2, 2).ok_or_else(bad)?,
            "1" => month = digits(1, 2).ok_or_else(bad)?,
            "02" => day = digits(2, 2).ok_or_else(bad)?,
            "2" => day = digits(1, 2).ok_or_else(bad)?,
            "_2" => {
                rest = rest.strip_prefix(' ').unwrap_or(rest);
                let end = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
                let (number, tail) = rest
                    .split_at_checked(end)
                    .filter(|_| end > 0)
                    .ok_or_else(|| fail(rest, element))?;
                day = number.parse().unwrap_or(0);
                rest = tail;
            }
            "15" => hour = digits(1, 2).ok_or_else(bad)?,
            "03" | "3" => hour = digits(1, 2).ok_or_else(bad)?,
            "04" => minute = digits(2, 2).ok_or_else(bad)?,
            "4" => minute = digits(1, 2).ok_or_else(bad)?,
            "05" => second = digits(2, 2).ok_or_else(bad)?,
            "5" => second = digits(1, 2).ok_or_else(bad)?,
            "January" | "Jan" => {
                let short = element == "Jan";
                let name = |full: &'static str| if short { full.get(..3).unwrap_or(full) } else { full };
                let place = MONTHS
                    .iter()
                    .position(|full| rest.starts_with(name(full)))
                    .ok_or_else(bad)?;
                rest = MONTHS
                    .get(place)
                    .and_then(|full| rest.strip_prefix(name(full)))
                    .unwrap_or(rest);
                month = i64::try_from(place).unwrap_or(0) + 1;
            }
            "Monday" | "Mon" => {
                let short = element == "Mon";
                let name = |full: &'static str| if short { full.get(..3).unwrap_or(full) } else { full };
                rest = DAYS
                    .iter()
                    .find_map(|full| rest.strip_prefix(name(full)))
                    .ok_or_else(bad)?;
            }
            "PM" | "pm" => {
                let (word, tail) = rest.split_at_checked(2).ok_or_else(bad)?;
                afternoon = Some(word.eq_ignore_ascii_case("pm"));
                rest = tail;
            }
            "MST" => {
                rest = rest
                    .strip_prefix("UTC")
                    .or_else(|| rest.strip_prefix("GMT"))
                    .ok_or_else(bad)?;
            }
            _ => {
                if element.starts_with('Z') && rest.starts_with('Z') {
                    rest = rest.get(1..).unwrap_or("");
                    continue;
                }
                let sign = if rest.starts_with('-') { -1 } else { 1 };
                let shape = element.get(1..).unwrap_or("");
                let zone = rest
                    .get(1..=shape.len())
                    .filter(|_| rest.starts_with(['+', '-']))
                    .ok_or_else(bad)?;
                rest = rest.get(1 + shape.len()..).unwrap_or("");
                let compact: String = zone.chars().filter(char::is_ascii_digit).collect();
                let part = |from: usize| {
                    compact
                        .get(from..from + 2)
                        .and_then(|part| part.parse::<i64>().ok())
                        .unwrap_or(0)
                };
                offset = sign * (part(0) * 3600 + part(2) * 60);
            }
        }
        // Seconds may have a fraction that the layout does not mention.
        if matches!(element, "05" | "5") && !layout_rest.starts_with('.') && rest.starts_with('.') {
            let fraction = rest.get(1..).unwrap_or("");
            let length = fraction.bytes().take_while(u8::is_ascii_digit).count();
            if length > 0 {
                rest = fraction.get(length..).unwrap_or("");
            }
        }
    }
    rest = rest.strip_prefix(layout_rest).ok_or_else(|| fail(rest, layout_rest))?;
    if !rest.is_empty() {
        return Err(format!("parsing time {}: extra text: {}", quote(text), quote(rest)));
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => 31,
    };
    let range = |what: &str| format!("parsing time {}: {what} out of range", quote(text));
    match afternoon {
        Some(true) if hour < 12 => hour += 12,
        Some(false) if hour == 12 => hour = 0,
        _ => {}
    }
    if !(1..=12).contains(&month) {
        return Err(range("month"));
    }
    if !(1..=length).contains(&day) {
        return Err(range("day"));
    }
    if hour > 23 || minute > 59 || second > 59 {
        return Err(range(if hour > 23 {
            "hour"
        } else if minute > 59 {
            "minute"
        } else {
            "second"
        }));
    }
    Ok(days_of(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset)
}

/// `time.ParseDuration`, in nanoseconds.
pub(crate) fn parse_duration(text: &str) -> Option<i128> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at_checked(end)?;
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(unit_end)?;
        let scale: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || number.len() > 18 {
            return None;
        }
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        total = total.checked_add(whole.checked_mul(scale)?)?;
        if !fraction.is_empty() {
            let digits: i128 = fraction.parse().ok()?;
            let power = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
            total = total.checked_add(digits.checked_mul(scale)? / power)?;
        }
        rest = tail;
    }
    i64::try_from(total).ok()?;
    Some(sign * total)
}

/// `Duration.String`.
pub(crate) fn show_duration(nanoseconds: i128) -> String {
    let magnitude = nanoseconds.unsigned_abs();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let seconds = magnitude / 1_000_000_000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let body = match seconds {
        0 if magnitude == 0 => "0s".to_owned(),
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m{}s", seconds % 60),
        _ => format!("{hours}h{minutes}m{}s", seconds % 60),
    };
    format!("{sign}{body}")
}
