//! Functions whose result differs from one rendering to the next. What they would make must not end up in a plan, so
//! they name what to set instead.

use super::{Function, fixed};
use crate::types::Type::{Any, Int, Str};

/// Declares functions that refuse to run, by name and parameter types.
macro_rules! refuse {
    ($($reason:ident $name:literal $takes:expr;)*) => {
        &[$(fixed($name, $takes, |_, _| Err(format!("`{}` {}", $name, $reason).into()))),*]
    };
}

const SECRET: &str = "makes a secret at render time; set the value that provides it instead, such as the name of an \
                      existing secret, a password or a certificate";
const CHANGES: &str = "gives another result each time; set the value that makes the chart do without it";

pub(super) static TABLE: &[Function] = refuse! {
    SECRET "genCA" &[Str, Int];
    SECRET "genCAWithKey" &[Str, Int, Str];
    SECRET "genSelfSignedCert" &[Str, Any, Any, Int];
    SECRET "genSelfSignedCertWithKey" &[Str, Any, Any, Int, Str];
    SECRET "genSignedCert" &[Str, Any, Any, Int, Any];
    SECRET "genSignedCertWithKey" &[Str, Any, Any, Int, Any, Str];
    SECRET "genPrivateKey" &[Str];
    SECRET "buildCustomCert" &[Str, Str];
    SECRET "randAlphaNum" &[Int];
    SECRET "randAlpha" &[Int];
    SECRET "randAscii" &[Int];
    SECRET "randNumeric" &[Int];
    SECRET "randBytes" &[Int];
    SECRET "bcrypt" &[Str];
    SECRET "htpasswd" &[Str, Str];
    SECRET "derivePassword" &[Any, Str, Str, Str, Str];
    SECRET "encryptAES" &[Str, Str];
    SECRET "decryptAES" &[Str, Str];
    CHANGES "randInt" &[Int, Int];
    CHANGES "shuffle" &[Str];
    CHANGES "uuidv4" &[];
    CHANGES "now" &[];
    CHANGES "ago" &[Any];
};
