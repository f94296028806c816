use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ktl_bundle::{KeyFileError, PrivateKey, public_path, read_private, read_public, write_key_pair};

use crate::fixture::{key, other_key};

#[test]
fn a_pair_is_written_once_and_read_in_three_ways() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys/deep/ed25519.json");
    let key = PrivateKey::generate().unwrap();
    let public = write_key_pair(&path, &key).unwrap();
    assert_eq!(public, folder.path().join("keys/deep/ed25519.pub.json"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(read_private(&path).unwrap().public(), key.public());

    let read = read_public(&public).unwrap();
    assert!(read.key == key.public() && !read.from_private);
    let read = read_public(&path).unwrap();
    assert!(read.key == key.public() && read.from_private);
    let raw = folder.path().join("raw.pub");
    std::fs::write(&raw, format!("{}\n", STANDARD.encode(key.public().to_bytes()))).unwrap();
    let read = read_public(&raw).unwrap();
    assert!(read.key == key.public() && !read.from_private);

    let before = std::fs::read(&path).unwrap();
    let error = write_key_pair(&path, &other_key()).unwrap_err();
    assert!(
        matches!(&error, KeyFileError::Exists(exists) if *exists == path),
        "{error}"
    );
    assert!(error.help().is_some());
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let second = folder.path().join("second.json");
    std::fs::write(public_path(&second), "mine").unwrap();
    assert!(matches!(
        write_key_pair(&second, &key).unwrap_err(),
        KeyFileError::Exists(_)
    ));
    assert!(!second.exists(), "no half of a pair is left");
    assert_eq!(std::fs::read(public_path(&second)).unwrap(), b"mine");
}

#[test]
fn two_keys_differ() {
    let (one, other) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
    assert_ne!(one.public(), other.public());
}

#[test]
fn public_paths() {
    let cases = [
        ("k.json", "k.pub.json"),
        ("a/ed25519.json", "a/ed25519.pub.json"),
        ("k", "k.pub.json"),
        ("k.pem", "k.pem.pub.json"),
    ];
    for (private, public) in cases {
        assert_eq!(public_path(Path::new(private)), Path::new(public));
    }
}

#[test]
fn what_is_no_key_file_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ed25519.json");
    write_key_pair(&path, &key()).unwrap();
    let private = std::fs::read_to_string(&path).unwrap();
    let public = std::fs::read_to_string(public_path(&path)).unwrap();
    let file = folder.path().join("file");
    let read = |text: &str| {
        std::fs::write(&file, text).unwrap();
        (
            read_private(&file).map_err(|error| error.to_string()),
            read_public(&file).map_err(|error| error.to_string()),
        )
    };
    let (error, _) = read(&public);
    assert!(error.unwrap_err().contains("signing takes the private one"));

    let secret = STANDARD.encode([7; 32]);
    let bad = [
        String::new(),
        "{}".to_owned(),
        "AAAA".to_owned(),
        STANDARD.encode([0; 32]),
        private.replace("ktl.key/v1", "ktl.key/v2"),
        private.replace("\"ed25519\"", "\"rsa\""),
        private.replace("\"kind\"", "\"x\": 1, \"kind\""),
        private.replace("ktl1:", "ktl2:"),
        private.replace(&secret, &STANDARD.encode([8; 32])),
        private.replace(&secret, &STANDARD.encode([8; 31])),
        private.replace(&secret, "!"),
        private.replace("\"secret\"", "\"public\""),
        private.replace("\"private\"", "\"public\""),
        public.replace("\"public\": \"", "\"public\": \"A"),
        "{".repeat(100_000),
        "A".repeat(100_000),
    ];
    for text in bad {
        let (private, public) = read(&text);
        assert!(private.is_err() && public.is_err(), "{text}");
        let error = private.unwrap_err();
        assert!(error.starts_with(&format!("`{}`", file.display())), "{error}");
        assert!(!error.contains(&secret), "a message never holds a secret: {error}");
    }
    assert!(
        read_private(&folder.path().join("none"))
            .unwrap_err()
            .to_string()
            .starts_with("cannot read")
    );
    assert!(read_public(folder.path()).is_err());
}
