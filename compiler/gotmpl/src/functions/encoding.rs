//! Base 64 and base 32.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Function, fixed};
use crate::types::Type::Str;
use crate::value::Value;

pub(super) static TABLE: &[Function] = &[
    fixed("b64enc", &[Str], |_, args| Ok(STANDARD.encode(args.bytes(0)).into())),
    fixed("b64dec", &[Str], |_, args| Ok(base64_decode(&args.text(0)))),
    fixed("b32enc", &[Str], |_, args| Ok(base32_encode(&args.bytes(0)).into())),
    fixed("b32dec", &[Str], |_, args| Ok(base32_decode(&args.text(0)))),
];

/// Decoded text, or Go's message in its place, which sprig returns as if it were the text.
fn base64_decode(text: &str) -> Value {
    let compact: String = text
        .chars()
        .filter(|character| !matches!(character, '\n' | '\r'))
        .collect();
    match STANDARD.decode(&compact) {
        Ok(bytes) => Value::from_bytes(bytes),
        Err(error) => {
            let at = match error {
                base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => at,
                base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => {
                    compact.trim_end_matches('=').len() / 4 * 4
                }
            };
            format!("illegal base64 data at input byte {at}").into()
        }
    }
}

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn base32_encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let mut group = 0_u64;
        for place in 0..5 {
            group = group << 8 | u64::from(chunk.get(place).copied().unwrap_or(0));
        }
        let digits = (chunk.len() * 8).div_ceil(5);
        for place in 0..8 {
            let digit = usize::try_from(group >> (35 - 5 * place) & 31).unwrap_or(0);
            let letter = ALPHABET.get(digit).copied().unwrap_or(b'A');
            out.push(if place < digits { char::from(letter) } else { '=' });
        }
    }
    out
}

fn base32_decode(text: &str) -> Value {
    let compact: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
    let bad = |at: usize| Value::from(format!("illegal base32 data at input byte {at}"));
    let length = compact
        .iter()
        .rposition(|byte| *byte != b'=')
        .map_or(0, |last| last + 1);
    if !compact.len().is_multiple_of(8) {
        return bad(length);
    }
    let mut out = Vec::new();
    let (mut group, mut bits) = (0_u64, 0_u32);
    for (at, byte) in compact.iter().take(length).enumerate() {
        let Some(digit) = ALPHABET.iter().position(|letter| letter == byte) else {
            return bad(at);
        };
        group = group << 5 | digit as u64;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(group >> bits & 255).unwrap_or(0));
        }
    }
    Value::from_bytes(out)
}
