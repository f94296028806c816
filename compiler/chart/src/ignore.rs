//! `.helmignore`.

/// Which files of a chart's directory do not belong to the chart.
#[derive(Debug)]
pub(crate) struct Rules {
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
struct Pattern {
    text: Vec<char>,
    negated: bool,
    directories_only: bool,
    place: Place,
}

/// What of a path a pattern looks at.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Path,
    Name,
}

impl Default for Rules {
    fn default() -> Self {
        let mut rules = Rules { patterns: Vec::new() };
        rules.add("templates/.?*");
        rules
    }
}

impl Rules {
    /// Reads the rules, one to a line. The error is the line and what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Rules, (u32, String)> {
        let mut rules = Rules { patterns: Vec::new() };
        for (line, rule) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
            if rule.contains("**") && !rule.trim().starts_with('#') {
                return Err((line, "`**` is not supported in ignore rules".to_owned()));
            }
            rules.add(rule);
        }
        rules.add("templates/.?*");
        Ok(rules)
    }

    fn add(&mut self, rule: &str) {
        let rule = rule.trim();
        if rule.is_empty() || rule.starts_with('#') {
            return;
        }
        let (rule, negated) = rule.strip_prefix('!').map_or((rule, false), |rest| (rest, true));
        let (rule, directories_only) = rule.strip_suffix('/').map_or((rule, false), |rest| (rest, true));
        let place = if rule.contains('/') { Place::Path } else { Place::Name };
        let text = rule.strip_prefix('/').unwrap_or(rule).chars().collect();
        self.patterns.push(Pattern {
            text,
            negated,
            directories_only,
            place,
        });
    }

    /// Whether a file, or a folder that it lies in, is ignored.
    pub(crate) fn ignores(&self, path: &str) -> bool {
        let folders = path.char_indices().filter(|(_, character)| *character == '/');
        folders
            .filter_map(|(at, _)| path.get(..at))
            .any(|folder| self.matches(folder, true))
            || self.matches(path, false)
    }

    fn matches(&self, path: &str, is_directory: bool) -> bool {
        for pattern in &self.patterns {
            let hit = || {
                let subject = match pattern.place {
                    Place::Path => path,
                    Place::Name => path.rsplit('/').next().unwrap_or(path),
                };
                matches(&pattern.text, &subject.chars().collect::<Vec<_>>())
            };
            if pattern.negated {
                // A negated rule ignores everything that it does not match: so it is in Helm.
                if (pattern.directories_only && !is_directory) || !hit() {
                    return true;
                }
                continue;
            }
            if (!pattern.directories_only || is_directory) && hit() {
                return true;
            }
        }
        false
    }
}

/// Go's `filepath.Match`: `*` and `?` stop at slashes.
fn matches(pattern: &[char], text: &[char]) -> bool {
    // The place to go back to when a star has to take one more character.
    let mut retry: Option<(&[char], &[char])> = None;
    let (mut pattern, mut text) = (pattern, text);
    loop {
        let step = match (pattern.split_first(), text.split_first()) {
            (None, None) => return true,
            (Some(('*', rest)), _) => {
                retry = Some((pattern, text));
                pattern = rest;
                continue;
            }
            (Some((first, rest)), Some((character, tail))) => one(*first, rest, *character).map(|rest| (rest, tail)),
            _ => None,
        };
        match step {
            Some((rest, tail)) => {
                pattern = rest;
                text = tail;
            }
            None => {
                let Some((star, from)) = retry else { return false };
                let Some((character, tail)) = from.split_first() else {
                    return false;
                };
                if *character == '/' {
                    return false;
                }
                retry = Some((star, tail));
                pattern = star.get(1..).unwrap_or(&[]);
                text = tail;
            }
        }
    }
}

/// Matches one character; gives what remains of the pattern.
fn one(first: char, rest: &[char], character: char) -> Option<&[char]> {
    match first {
        '?' => (character != '/').then_some(rest),
        '\\' => rest
            .split_first()
            .and_then(|(escaped, rest)| (*escaped == character).then_some(rest)),
        '[' => {
            let (negated, mut set) = match rest.split_first() {
                Some(('^', set)) => (true, set),
                _ => (false, rest),
            };
            let mut found = false;
            loop {
                match set {
                    [']', rest @ ..] => return (found != negated && character != '/').then_some(rest),
                    [low, '-', high, rest @ ..] if *high != ']' => {
                        found |= (*low..=*high).contains(&character);
                        set = rest;
                    }
                    [single, rest @ ..] => {
                        found |= *single == character;
                        set = rest;
                    }
                    [] => return None,
                }
            }
        }
        other => (other == character).then_some(rest),
    }
}
