//! A piece of text given to pest, with the way back from its offsets to those of the file.

use std::collections::BTreeMap;
use std::ops::Range;

use ktl_grammar::{Grammar, Rule};
use pest::Parser;
use pest::iterators::Pair;

/// Maps offsets in a text that was put together from a file to offsets in the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fragment {
    /// Pairs of an offset in the text and the offset in the file it stands for, ascending in both.
    anchors: Vec<(u32, u32)>,
    /// Bracket pairs whose contents were taken out, by the offset of the opener in the file: ranges of tokens.
    pub(crate) hollows: BTreeMap<u32, Range<usize>>,
}

impl Fragment {
    /// A text that stands in the file as it is, from `start`.
    pub(crate) fn plain(start: u32) -> Self {
        Fragment {
            anchors: vec![(0, start)],
            hollows: BTreeMap::new(),
        }
    }

    /// From here on, `at` in the text is `place` in the file.
    pub(crate) fn anchor(&mut self, at: u32, place: u32) {
        self.anchors.push((at, place));
    }

    /// Which of the pieces that were put together holds an offset of the text; each has an anchor at either end.
    pub(crate) fn piece_at(&self, at: u32) -> usize {
        let (pieces, _) = self.anchors.as_chunks::<2>();
        pieces.partition_point(|[_, (end, _)]| *end <= at)
    }

    /// The offset in the file.
    pub(crate) fn place(&self, at: u32) -> u32 {
        let next = self.anchors.partition_point(|(local, _)| *local <= at);
        let (local, place) = next
            .checked_sub(1)
            .and_then(|index| self.anchors.get(index))
            .copied()
            .unwrap_or((0, 0));
        let place = place.saturating_add(at.saturating_sub(local));
        // Inserted text has no bytes in the file.
        self.anchors.get(next).map_or(place, |(_, limit)| place.min(*limit))
    }
}

/// Parses a text with one of the rules that span their whole input. On failure: the offset in the text that pest got to.
pub(crate) fn parse(rule: Rule, text: &str) -> Result<Pair<'_, Rule>, usize> {
    match Grammar::parse(rule, text) {
        Ok(mut pairs) => pairs.find(|pair| pair.as_rule() != Rule::EOI).ok_or(0),
        Err(error) => Err(match error.location {
            pest::error::InputLocation::Pos(at) => at,
            pest::error::InputLocation::Span((at, _)) => at,
        }),
    }
}
