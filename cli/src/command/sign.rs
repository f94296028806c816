//! `ktl stack sign`

use std::path::PathBuf;

use ktl_bundle::{SignError, read_private, sign_file};

use crate::error::{Failure, Outcome};
use crate::exit::Exit;

#[derive(clap::Args)]
pub struct Arguments {
    /// The bundle; the signature is added to it
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,

    /// The private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let key = read_private(&arguments.key).map_err(|error| super::key_failure(&error))?;
    sign_file(&arguments.bundle, &key).map_err(|error| match error {
        SignError::Refused(error) => super::refused(&error),
        error => Failure::new(Exit::File, error),
    })?;
    anstream::eprintln!("signed {} with key {}", arguments.bundle.display(), key.public().id());
    Ok(())
}
