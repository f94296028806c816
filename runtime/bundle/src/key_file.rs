//! Key files: JSON, a private one that only its owner can read and a public one beside it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::file::parent;
use crate::key::{KeyError, PrivateKey, PublicKey};

const FORMAT: &str = "ktl.key/v1";
const ALGORITHM: &str = "ed25519";
const MAX_BYTES: u64 = 64 << 10;

/// A key file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It is there already.
    #[error("`{}` exists already, and a key file is never overwritten", .0.display())]
    Exists(PathBuf),
    /// The system refused.
    #[error("cannot {doing} `{}`: {error}", .path.display())]
    Io {
        /// `read`, `write`
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is no key file, or not the one that is needed.
    #[error("`{}` is not a key file that can be used here: {problem}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// What is in it is no key.
    #[error("`{}`: {error}", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with the key.
        error: KeyError,
    },
}

impl KeyFileError {
    /// What to do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            KeyFileError::Exists(_) => Some("choose another name with `--out`, or move the old key away first"),
            KeyFileError::Content { .. } => {
                Some("make a pair with `ktl stack keygen --out F.json`: it writes `F.json` and `F.pub.json`")
            }
            KeyFileError::Io { .. } | KeyFileError::Key { .. } => None,
        }
    }
}

/// A public key, and what file it came from.
#[derive(Clone, Debug)]
pub struct ReadPublic {
    /// The key.
    pub key: PublicKey,
    /// The file holds the private key, which has no business where signatures are checked.
    pub from_private: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    format: String,
    kind: Kind,
    algorithm: String,
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Private,
    Public,
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

/// Where the public file of a private one goes: `ed25519.pub.json` beside `ed25519.json`.
pub fn public_path(private: &Path) -> PathBuf {
    let mut name = match private.extension() {
        Some(extension) if extension == "json" => private.file_stem().unwrap_or_default().to_owned(),
        _ => private.file_name().unwrap_or_default().to_owned(),
    };
    name.push(".pub.json");
    private.with_file_name(name)
}

/// Writes a private key (mode 0600) and its public half (see [`public_path`]), whose path it gives back. Parent folders
/// are created.
///
/// # Errors
/// Either file exists already, or cannot be written; then neither is left behind.
pub fn write_key_pair(path: &Path, key: &PrivateKey) -> Result<PathBuf, KeyFileError> {
    let public = public_path(path);
    std::fs::create_dir_all(parent(path)).map_err(|error| failed("create the folder of", path, error))?;
    let id = key.public().id();
    let file = |kind, public, secret| KeyFile {
        format: FORMAT.to_owned(),
        kind,
        algorithm: ALGORITHM.to_owned(),
        id: id.clone(),
        public,
        secret,
    };
    write_new(
        path,
        0o600,
        &file(Kind::Private, None, Some(STANDARD.encode(key.secret()))),
    )?;
    let public_file = file(Kind::Public, Some(STANDARD.encode(key.public().to_bytes())), None);
    if let Err(error) = write_new(&public, 0o644, &public_file) {
        // A pair or nothing; the first error is the one to tell.
        drop(std::fs::remove_file(path));
        return Err(error);
    }
    Ok(public)
}

/// Reads a private key.
///
/// # Errors
/// The file cannot be read, or is no private key file.
pub fn read_private(path: &Path) -> Result<PrivateKey, KeyFileError> {
    let text = read_text(path)?;
    private(path, &parse(path, &text)?)
}

/// Reads a public key from its JSON file, from a file that holds its base64, or from the private file.
///
/// # Errors
/// The file cannot be read, or holds no key.
pub fn read_public(path: &Path) -> Result<ReadPublic, KeyFileError> {
    let text = read_text(path)?;
    if !text.trim_start().starts_with('{') {
        let key = public(path, text.trim())?;
        return Ok(ReadPublic {
            key,
            from_private: false,
        });
    }
    let file = parse(path, &text)?;
    if file.kind == Kind::Private {
        return Ok(ReadPublic {
            key: private(path, &file)?.public(),
            from_private: true,
        });
    }
    let (Some(bytes), None) = (&file.public, &file.secret) else {
        return Err(content(path, "a public key file has `public` and no `secret`"));
    };
    let key = public(path, bytes)?;
    fits(path, &file, &key)?;
    Ok(ReadPublic {
        key,
        from_private: false,
    })
}

fn private(path: &Path, file: &KeyFile) -> Result<PrivateKey, KeyFileError> {
    if file.kind != Kind::Private {
        return Err(content(
            path,
            "it holds the public key, and signing takes the private one",
        ));
    }
    let (Some(secret), None) = (&file.secret, &file.public) else {
        return Err(content(path, "a private key file has `secret` and no `public`"));
    };
    let bytes = Zeroizing::new(
        STANDARD
            .decode(secret)
            .map_err(|_| content(path, "`secret` is not base64"))?,
    );
    let key = PrivateKey::from_bytes(&bytes).map_err(|error| not_a_key(path, error))?;
    fits(path, file, &key.public())?;
    Ok(key)
}

fn public(path: &Path, base64: &str) -> Result<PublicKey, KeyFileError> {
    let bytes = STANDARD
        .decode(base64)
        .map_err(|_| content(path, "expected JSON or the base64 of 32 bytes"))?;
    PublicKey::from_bytes(&bytes).map_err(|error| not_a_key(path, error))
}

fn parse(path: &Path, text: &str) -> Result<KeyFile, KeyFileError> {
    let file: KeyFile = serde_json::from_str(text).map_err(|error| content(path, error.to_string()))?;
    if file.format != FORMAT {
        return Err(content(
            path,
            format!("its format is {:?}, expected {FORMAT:?}", file.format),
        ));
    }
    if file.algorithm != ALGORITHM {
        return Err(content(
            path,
            format!("its algorithm is {:?}, expected {ALGORITHM:?}", file.algorithm),
        ));
    }
    Ok(file)
}

fn fits(path: &Path, file: &KeyFile, key: &PublicKey) -> Result<(), KeyFileError> {
    if file.id == key.id() {
        return Ok(());
    }
    Err(content(
        path,
        format!("its `id` is {:?}, but the key in it is `{}`", file.id, key.id()),
    ))
}

fn read_text(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let mut text = Zeroizing::new(String::new());
    let file = File::open(path).map_err(|error| failed("read", path, error))?;
    file.take(MAX_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| failed("read", path, error))?;
    if text.len() as u64 == MAX_BYTES {
        return Err(content(path, format!("a key file has less than {MAX_BYTES} bytes")));
    }
    Ok(text)
}

fn write_new(path: &Path, mode: u32, file: &KeyFile) -> Result<(), KeyFileError> {
    let mut text = Zeroizing::new(serde_json::to_string_pretty(file).expect("strings can be written"));
    text.push('\n');
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::Exists(path.to_owned()),
        _ => failed("write", path, error),
    })?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| failed("write", path, error))
}

fn failed(doing: &'static str, path: &Path, error: io::Error) -> KeyFileError {
    KeyFileError::Io {
        doing,
        path: path.to_owned(),
        error,
    }
}

fn content(path: &Path, problem: impl Into<String>) -> KeyFileError {
    KeyFileError::Content {
        path: path.to_owned(),
        problem: problem.into(),
    }
}

fn not_a_key(path: &Path, error: KeyError) -> KeyFileError {
    KeyFileError::Key {
        path: path.to_owned(),
        error,
    }
}
