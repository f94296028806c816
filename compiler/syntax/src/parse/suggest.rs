//! Did you mean?

/// The candidates that are near enough to a word to be meant, the nearest first.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Vec<&'a str> {
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return Vec::new();
    }
    let limit = (word.chars().count() / 3).clamp(1, 3);
    let distances = candidates
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate));
    let mut near: Vec<(usize, &str)> = distances.filter(|(distance, _)| *distance <= limit).collect();
    near.sort_by_key(|(distance, candidate)| (*distance, word.chars().next() != candidate.chars().next(), *candidate));
    near.into_iter().map(|(_, candidate)| candidate).collect()
}

/// How many letters to insert, remove, replace or swap with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut last = None;
    for (index, char) in a.chars().enumerate() {
        let mut next = vec![index + 1];
        for (column, other) in b.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&row, column) + usize::from(char != *other)).min(at(&row, column + 1) + 1);
            best = best.min(at(&next, column) + 1);
            let swapped = column > 0 && last == Some(*other) && b.get(column - 1) == Some(&char);
            if swapped {
                best = best.min(at(&before, column - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
        last = Some(char);
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_what_is_meant() {
        let words = ["release", "runner", "let", "test", "type"];
        assert_eq!(nearest("relese", &words), ["release"]);
        assert_eq!(nearest("realese", &words), ["release"]);
        assert_eq!(nearest("tset", &words), ["test"]);
        assert_eq!(nearest("deployment", &words), [""; 0]);
        assert_eq!(nearest("", &words), [""; 0]);
    }
}
