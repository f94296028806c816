//! `ktl stack keygen`

use std::path::PathBuf;

use ktl_bundle::{PrivateKey, write_key_pair};

use crate::error::{Failure, Outcome};
use crate::exit::Exit;

#[derive(clap::Args)]
pub struct Arguments {
    /// The file for the private key; the public one goes beside it as `.pub.json`
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let key = PrivateKey::generate().map_err(|error| Failure::new(Exit::Internal, error))?;
    let public = write_key_pair(&arguments.out, &key).map_err(|error| super::key_failure(&error))?;
    anstream::eprintln!("made key {}", key.public().id());
    anstream::eprintln!("  private {} (keep it secret)", arguments.out.display());
    anstream::eprintln!("  public  {}", public.display());
    Ok(())
}
