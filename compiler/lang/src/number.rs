//! Numbers with units: what a suffix means, exact amounts, and how a computed amount is spelt.

use std::fmt;
use std::sync::Arc;

use rust_decimal::Decimal;

/// What a quantity measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dimension {
    /// In milliseconds.
    Duration,
    /// In bytes.
    Bytes,
    /// In cores.
    Cpu,
    /// In percent.
    Percent,
}

impl Dimension {
    pub fn name(self) -> &'static str {
        match self {
            Dimension::Duration => "duration",
            Dimension::Bytes => "bytes",
            Dimension::Cpu => "cpu",
            Dimension::Percent => "percent",
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An amount of something, with its spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quantity {
    pub dimension: Dimension,
    /// In the dimension's base unit.
    pub amount: Decimal,
    /// As written, or the shortest exact spelling of a computed amount.
    pub spelt: Arc<str>,
}

/// Each unit with its dimension and its size in base units. `m` stands twice: minutes, and thousandths of a core.
const UNITS: &[(&str, Dimension, i64, u32)] = &[
    ("ms", Dimension::Duration, 1, 0),
    ("s", Dimension::Duration, 1_000, 0),
    ("m", Dimension::Duration, 60_000, 0),
    ("h", Dimension::Duration, 3_600_000, 0),
    ("d", Dimension::Duration, 86_400_000, 0),
    ("k", Dimension::Bytes, 1_000, 0),
    ("M", Dimension::Bytes, 1_000_000, 0),
    ("G", Dimension::Bytes, 1_000_000_000, 0),
    ("T", Dimension::Bytes, 1_000_000_000_000, 0),
    ("P", Dimension::Bytes, 1_000_000_000_000_000, 0),
    ("E", Dimension::Bytes, 1_000_000_000_000_000_000, 0),
    ("Ki", Dimension::Bytes, 1 << 10, 0),
    ("Mi", Dimension::Bytes, 1 << 20, 0),
    ("Gi", Dimension::Bytes, 1 << 30, 0),
    ("Ti", Dimension::Bytes, 1 << 40, 0),
    ("Pi", Dimension::Bytes, 1 << 50, 0),
    ("Ei", Dimension::Bytes, 1 << 60, 0),
    ("m", Dimension::Cpu, 1, 3),
    ("%", Dimension::Percent, 1, 0),
];

/// The dimensions that a unit may belong to; none for an unknown unit.
pub(crate) fn dimensions(unit: &str) -> Vec<Dimension> {
    UNITS.iter().filter(|row| row.0 == unit).map(|row| row.1).collect()
}

/// Every unit of a dimension, for messages.
pub(crate) fn units(dimension: Dimension) -> Vec<&'static str> {
    UNITS.iter().filter(|row| row.1 == dimension).map(|row| row.0).collect()
}

/// A number as written.
pub(crate) fn parse_decimal(text: &str) -> Option<Decimal> {
    let digits = text.replace('_', "");
    Decimal::from_str_exact(&digits).ok()
}

/// A number and a unit as written, in a dimension. An empty unit is a count of base units, for `cpu` and `bytes`.
pub(crate) fn quantity(number: &str, unit: &str, dimension: Dimension) -> Option<Quantity> {
    let value = parse_decimal(number)?;
    let amount = if unit.is_empty() {
        matches!(dimension, Dimension::Cpu | Dimension::Bytes).then_some(value)?
    } else {
        let row = UNITS.iter().find(|row| row.0 == unit && row.1 == dimension)?;
        value.checked_mul(Decimal::new(row.2, row.3))?
    };
    Some(Quantity {
        dimension,
        amount,
        spelt: format!("{number}{unit}").into(),
    })
}

/// A quantity written as one text, such as `100Gi`.
pub(crate) fn parse_quantity(text: &str, dimension: Dimension) -> Option<Quantity> {
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(split)?;
    quantity(number, unit, dimension)
}

/// A computed amount, spelt exactly in the largest unit that keeps it whole.
pub(crate) fn computed(dimension: Dimension, amount: Decimal) -> Quantity {
    let amount = amount.normalize();
    let candidates: &[&str] = match dimension {
        Dimension::Duration => &["d", "h", "m", "s", "ms"],
        Dimension::Bytes => &["Ei", "Pi", "Ti", "Gi", "Mi", "Ki", "G", "M", "k", ""],
        Dimension::Cpu => &["", "m"],
        Dimension::Percent => &["%"],
    };
    let whole = candidates.iter().find_map(|unit| {
        let size = UNITS.iter().find(|row| row.0 == *unit && row.1 == dimension);
        let size = size.map_or(Decimal::ONE, |row| Decimal::new(row.2, row.3));
        let count = amount.checked_div(size)?.normalize();
        (count.scale() == 0 && !amount.is_zero()).then(|| format!("{count}{unit}"))
    });
    let smallest = candidates.last().copied().unwrap_or("");
    let spelt = whole.unwrap_or_else(|| match dimension {
        // Below a thousandth of a core, and for fractions of other base units, the plain decimal is exact.
        Dimension::Cpu => amount.to_string(),
        _ => format!("{amount}{smallest}"),
    });
    Quantity {
        dimension,
        amount,
        spelt: spelt.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_belong_to_their_dimension() {
        assert_eq!(dimensions("m"), [Dimension::Duration, Dimension::Cpu]);
        assert_eq!(dimensions("Gi"), [Dimension::Bytes]);
        assert!(dimensions("Gb").is_empty());
        assert_eq!(
            quantity("5", "m", Dimension::Duration).unwrap().amount,
            Decimal::from(300_000)
        );
        assert_eq!(
            quantity("250", "m", Dimension::Cpu).unwrap().amount,
            Decimal::new(25, 2)
        );
        assert!(quantity("5", "", Dimension::Duration).is_none());
    }

    #[test]
    fn computed_amounts_are_spelt_exactly() {
        let spelt = |dimension, amount: &str| computed(dimension, amount.parse().unwrap()).spelt.to_string();
        assert_eq!(spelt(Dimension::Bytes, "1073741824"), "1Gi");
        assert_eq!(spelt(Dimension::Bytes, "1000"), "1k");
        assert_eq!(spelt(Dimension::Bytes, "1001"), "1001");
        assert_eq!(spelt(Dimension::Bytes, "0"), "0");
        assert_eq!(spelt(Dimension::Duration, "90000"), "90s");
        assert_eq!(spelt(Dimension::Cpu, "0.25"), "250m");
        assert_eq!(spelt(Dimension::Cpu, "2"), "2");
        assert_eq!(spelt(Dimension::Percent, "12.5"), "12.5%");
    }
}
