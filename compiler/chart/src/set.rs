//! The grammar of `--set`: `a.b=c,d[0]=e,f={x,y}`.

use serde_json::Value as Json;

use crate::values::Table;

/// The largest index of a list, and the deepest nesting of names. The limits are Helm's, the second one lower so that
/// the values can be read back as JSON.
const INDEX: usize = 65_536;
const DEPTH: usize = 30;

/// Reads assignments as Helm's `--set` does. `true`, `false`, `null` and whole numbers are typed, anything else is
/// text; a backslash takes the meaning from the character after it.
pub fn parse_set(text: &str) -> Result<Json, String> {
    let mut values = Json::Null;
    set_value(&mut values, text)?;
    Ok(values)
}

/// Puts assignments on top of values, as Helm does with those of its files: unlike merging what [`parse_set`] gives, this
/// changes single items of a list that is already there. Values that are no mapping are replaced by one. After an error
/// some of the assignments may have been made.
pub fn set_value(values: &mut Json, text: &str) -> Result<(), String> {
    let mut parser = Parser { rest: text };
    if !values.is_object() {
        *values = Json::Object(Table::new());
    }
    if let Json::Object(table) = values {
        while !parser.rest.is_empty() {
            parser.key(table, 0)?;
        }
    }
    Ok(())
}

struct Parser<'t> {
    rest: &'t str,
}

impl Parser<'_> {
    /// Reads up to one of `stops`, which is consumed and returned, or to the end.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut word = String::new();
        let mut characters = self.rest.chars();
        while let Some(character) = characters.next() {
            if stops.contains(&character) {
                self.rest = characters.as_str();
                return (word, Some(character));
            }
            if character == '\\' {
                word.extend(characters.next());
            } else {
                word.push(character);
            }
        }
        self.rest = "";
        (word, None)
    }

    fn key(&mut self, table: &mut Table, depth: usize) -> Result<(), String> {
        let (name, stop) = self.until(&['=', '[', ',', '.']);
        match stop {
            None if name.is_empty() => Ok(()),
            None => Err(format!("the key `{name}` has no value; write `{name}=value`")),
            Some(',') => Err(format!("the key `{name}` has no value; write `{name}=value`")),
            Some('=') => {
                let value = self.value()?;
                if !name.is_empty() {
                    table.insert(name, value);
                }
                Ok(())
            }
            Some('[') => {
                let index = self.index()?;
                let slot = table.entry(name.clone()).or_insert_with(|| Json::Array(Vec::new()));
                if slot.is_null() {
                    *slot = Json::Array(Vec::new());
                }
                let Json::Array(list) = slot else {
                    return Err(format!("`{name}` is no list, so it has no index"));
                };
                self.item(list, index, depth)
            }
            Some(_) => {
                if depth >= DEPTH {
                    return Err(format!("names are nested more than {DEPTH} deep"));
                }
                let slot = table.entry(name.clone()).or_insert_with(|| Json::Object(Table::new()));
                if slot.is_null() {
                    *slot = Json::Object(Table::new());
                }
                let Json::Object(inner) = slot else {
                    return Err(format!("`{name}` is no mapping, so it has no names"));
                };
                self.key(inner, depth + 1)?;
                if inner.is_empty() {
                    return Err(format!("the key `{name}` has no value; write `{name}.name=value`"));
                }
                Ok(())
            }
        }
    }

    fn index(&mut self) -> Result<usize, String> {
        let (digits, stop) = self.until(&[']']);
        let index: Option<usize> = digits.parse().ok().filter(|index| *index <= INDEX);
        match (stop, index) {
            (Some(_), Some(index)) => Ok(index),
            (None, _) => Err(format!("the index `[{digits}` has no `]`")),
            (Some(_), None) => Err(format!("`[{digits}]` is no index between 0 and {INDEX}")),
        }
    }

    fn item(&mut self, list: &mut Vec<Json>, index: usize, depth: usize) -> Result<(), String> {
        if depth >= DEPTH {
            return Err(format!("names are nested more than {DEPTH} deep"));
        }
        if list.len() <= index {
            list.resize(index + 1, Json::Null);
        }
        let (extra, stop) = self.until(&['[', '.', '=']);
        if !extra.is_empty() {
            return Err(format!("`{extra}` cannot follow an index; write `[{index}]=value`"));
        }
        let Some(slot) = list.get_mut(index) else { return Ok(()) };
        match stop {
            Some('=') => {
                *slot = self.value()?;
                Ok(())
            }
            Some('[') => {
                let index = self.index()?;
                if !slot.is_array() {
                    *slot = Json::Array(Vec::new());
                }
                match slot {
                    Json::Array(inner) => self.item(inner, index, depth + 1),
                    _ => Ok(()),
                }
            }
            Some(_) => {
                if !slot.is_object() {
                    *slot = Json::Object(Table::new());
                }
                match slot {
                    Json::Object(inner) => self.key(inner, depth + 1),
                    _ => Ok(()),
                }
            }
            None => Err(format!("the index `[{index}]` has no value; write `[{index}]=value`")),
        }
    }

    fn value(&mut self) -> Result<Json, String> {
        if let Some(inside) = self.rest.strip_prefix('{') {
            self.rest = inside;
            return self.list();
        }
        let (word, _) = self.until(&[',']);
        Ok(typed(word))
    }

    fn list(&mut self) -> Result<Json, String> {
        let mut items = Vec::new();
        loop {
            let (word, stop) = self.until(&[',', '}']);
            match stop {
                None => return Err("a list must end with `}`".to_owned()),
                Some('}') => {
                    items.push(typed(word));
                    self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
                    return Ok(Json::Array(items));
                }
                Some(_) => items.push(typed(word)),
            }
        }
    }
}

fn typed(word: String) -> Json {
    if word.eq_ignore_ascii_case("true") {
        return Json::Bool(true);
    }
    if word.eq_ignore_ascii_case("false") {
        return Json::Bool(false);
    }
    if word.eq_ignore_ascii_case("null") {
        return Json::Null;
    }
    // A leading zero marks text, such as a zip code.
    if (word == "0" || !word.starts_with('0'))
        && !word.starts_with('+')
        && let Ok(number) = word.parse::<i64>()
    {
        return number.into();
    }
    Json::String(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(text: &str, expected: Json) {
        assert_eq!(parse_set(text), Ok(expected), "{text}");
    }

    #[test]
    fn reads_what_helm_reads() {
        check("", json!({}));
        check(
            "a=1,b=two,c=true,d=null,e=",
            json!({"a": 1, "b": "two", "c": true, "d": null, "e": ""}),
        );
        check("a.b.c=1,a.b.d=2", json!({"a": {"b": {"c": 1, "d": 2}}}));
        check("l[0]=a,l[2]=c", json!({"l": ["a", null, "c"]}));
        check("l[0].x=1,l[0].y=2,l[1].x=3", json!({"l": [{"x": 1, "y": 2}, {"x": 3}]}));
        check("m[1][0]=x", json!({"m": [null, ["x"]]}));
        check("f={x,y,3},g=1", json!({"f": ["x", "y", 3], "g": 1}));
        check(r"a\.b=c\,d", json!({"a.b": "c,d"}));
        check(
            "zip=0123,zero=0,float=1.5,neg=-4",
            json!({"zip": "0123", "zero": 0, "float": "1.5", "neg": -4}),
        );
    }

    #[test]
    fn sets_over_what_is_there() {
        let mut values = json!({"a": {"l": ["x", "y"], "k": 1}});
        assert_eq!(set_value(&mut values, "a.l[1]=z,b=2"), Ok(()));
        assert_eq!(values, json!({"a": {"l": ["x", "z"], "k": 1}, "b": 2}));
    }

    #[test]
    fn says_what_is_missing() {
        for (text, message) in [
            ("a", "the key `a` has no value; write `a=value`"),
            ("a,b=1", "the key `a` has no value; write `a=value`"),
            ("a={x,y", "a list must end with `}`"),
            ("a[x]=1", "`[x]` is no index between 0 and 65536"),
            ("a[99999999]=1", "`[99999999]` is no index between 0 and 65536"),
            ("a=1,a.b=2", "`a` is no mapping, so it has no names"),
        ] {
            assert_eq!(parse_set(text), Err(message.to_owned()), "{text}");
        }
    }
}
