//! String literals as Go's `strconv` reads and writes them.

/// `strconv.Quote`: the text as a Go string literal.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        push_escaped(&mut out, character, '"');
    }
    out.push('"');
    out
}

/// `strconv.Quote` of bytes that may not be text.
pub(crate) fn quote_bytes(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            push_escaped(&mut out, character, '"');
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out.push('"');
    out
}

/// `strconv.QuoteToASCII`.
pub(crate) fn quote_ascii(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match u32::from(character) {
            0..=0x7f => push_escaped(&mut out, character, '"'),
            code @ 0x80..=0xffff => out.push_str(&format!("\\u{code:04x}")),
            code => out.push_str(&format!("\\U{code:08x}")),
        }
    }
    out.push('"');
    out
}

/// `strconv.QuoteRune`.
pub(crate) fn quote_rune(character: char) -> String {
    let mut out = String::from("'");
    push_escaped(&mut out, character, '\'');
    out.push('\'');
    out
}

fn push_escaped(out: &mut String, character: char, delimiter: char) {
    match character {
        '\\' => out.push_str("\\\\"),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        _ if character == delimiter => {
            out.push('\\');
            out.push(character);
        }
        _ if is_printable(character) => out.push(character),
        _ => {
            let code = u32::from(character);
            out.push_str(&match code {
                0..=0x7f => format!("\\x{code:02x}"),
                0x80..=0xffff => format!("\\u{code:04x}"),
                _ => format!("\\U{code:08x}"),
            });
        }
    }
}

/// `unicode.IsPrint`.
pub(crate) fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return !character.is_ascii_control();
    }
    // The standard library keeps the same table behind its debug escapes; a letter in front stops it from escaping
    // combining marks, which Go prints.
    let mut pair = String::from("a");
    pair.push(character);
    pair.escape_debug().count() == 2
}

/// `strconv.Unquote` for `"…"` and `` `…` ``. The error is Go's message.
pub(crate) fn unquote(literal: &str) -> Result<String, String> {
    if let Some(raw) = literal.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        return Ok(raw.replace('\r', ""));
    }
    let inner = literal
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or("invalid syntax")?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while !rest.is_empty() {
        let (piece, tail) = unquote_piece(rest, '"')?;
        match piece {
            Piece::Char(character) => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            Piece::Byte(byte) => bytes.push(byte),
        }
        rest = tail;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The code point of a rune literal such as `'a'`. The error is Go's message.
pub(crate) fn unquote_rune(literal: &str) -> Result<i64, String> {
    let malformed = || format!("malformed character constant: {literal}");
    let inner = literal.strip_prefix('\'').ok_or_else(malformed)?;
    let (piece, tail) = unquote_piece(inner, '\'')?;
    if tail != "'" {
        return Err(malformed());
    }
    Ok(match piece {
        Piece::Char(character) => i64::from(u32::from(character)),
        Piece::Byte(byte) => i64::from(byte),
    })
}

enum Piece {
    Char(char),
    Byte(u8),
}

fn unquote_piece(text: &str, delimiter: char) -> Result<(Piece, &str), String> {
    let invalid = || "invalid syntax".to_owned();
    let mut characters = text.chars();
    let first = characters.next().ok_or_else(invalid)?;
    if first == delimiter {
        return Err(invalid());
    }
    if first != '\\' {
        return Ok((Piece::Char(first), characters.as_str()));
    }
    let escape = characters.next().ok_or_else(invalid)?;
    let tail = characters.as_str();
    let simple = |character| Ok((Piece::Char(character), tail));
    let coded = |digits: usize, radix: u32, skip: usize| -> Result<(u32, &str), String> {
        let from = text.get(skip..).ok_or_else(invalid)?;
        let (code, tail) = from.split_at_checked(digits).ok_or_else(invalid)?;
        if !code.chars().all(|digit| digit.is_digit(radix)) {
            return Err(invalid());
        }
        Ok((u32::from_str_radix(code, radix).map_err(|_| invalid())?, tail))
    };
    match escape {
        'a' => simple('\u{7}'),
        'b' => simple('\u{8}'),
        'f' => simple('\u{c}'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\u{b}'),
        '\\' => simple('\\'),
        '\'' | '"' if escape == delimiter => simple(escape),
        'x' => {
            let (code, tail) = coded(2, 16, 2)?;
            Ok((Piece::Byte(u8::try_from(code).map_err(|_| invalid())?), tail))
        }
        'u' | 'U' => {
            let (code, tail) = coded(if escape == 'u' { 4 } else { 8 }, 16, 2)?;
            Ok((Piece::Char(char::from_u32(code).ok_or_else(invalid)?), tail))
        }
        '0'..='7' => {
            let (code, tail) = coded(3, 8, 1)?;
            Ok((Piece::Byte(u8::try_from(code).map_err(|_| invalid())?), tail))
        }
        _ => Err(invalid()),
    }
}
