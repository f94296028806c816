//! Functions whose result differs from one rendering to the next. What they would make must not end up in a plan, so
//! they name what to set instead.

use super::{Function, fixed, variadic};
use crate::engine::Context;
use crate::error::Fault;
use crate::types::Type::{self, Any, Int, Str};
use crate::value::Value;

pub(super) static TABLE: &[Function] = &[
    secret("genCA", &[Str, Int]),
    secret("genCAWithKey", &[Str, Int, Str]),
    secret("genSelfSignedCert", &[Str, Any, Any, Int]),
    secret("genSelfSignedCertWithKey", &[Str, Any, Any, Int, Str]),
    secret("genSignedCert", &[Str, Any, Any, Int, Any]),
    secret("genSignedCertWithKey", &[Str, Any, Any, Int, Any, Str]),
    secret("genPrivateKey", &[Str]),
    secret("buildCustomCert", &[Str, Str]),
    secret("randAlphaNum", &[Int]),
    secret("randAlpha", &[Int]),
    secret("randAscii", &[Int]),
    secret("randNumeric", &[Int]),
    secret("randBytes", &[Int]),
    secret("bcrypt", &[Str]),
    secret("htpasswd", &[Str, Str]),
    secret("derivePassword", &[Any, Str, Str, Str, Str]),
    secret("encryptAES", &[Str, Str]),
    secret("decryptAES", &[Str, Str]),
    changing("randInt", &[Int, Int]),
    changing("shuffle", &[Str]),
    changing("uuidv4", &[]),
    changing("now", &[]),
    variadic("ago", &[Any], Any, |_, _| Err(changes("ago"))),
];

/// A function that makes a password, key or certificate.
const fn secret(name: &'static str, takes: &'static [Type]) -> Function {
    fixed(name, takes, refuse_secret)
}

/// A function that reads the clock or a source of randomness.
const fn changing(name: &'static str, takes: &'static [Type]) -> Function {
    fixed(name, takes, refuse_change)
}

fn refuse_secret(_: &mut Context<'_>, _: super::Args<'_>) -> Result<Value, Fault> {
    Err(
        "makes a secret at render time; set the value that provides it, such as an existing secret, password or \
         certificate"
            .into(),
    )
}

fn refuse_change(_: &mut Context<'_>, _: super::Args<'_>) -> Result<Value, Fault> {
    Err("gives another result each time; set the value that makes the chart do without it".into())
}

fn changes(name: &str) -> Fault {
    format!("`{name}` gives another result each time; set the value that makes the chart do without it").into()
}
