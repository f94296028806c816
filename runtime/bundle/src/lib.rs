//! Sealed bundles: a plan, its object bodies and the sources they came from, in one file that can be signed.
//!
//! [`seal`] writes, [`sign`] adds a signature, [`open`] checks everything and hands out what it checked. Equal inputs give
//! equal bytes. What is read may come from anybody: it passes one strict reader with limits, its digests are compared
//! before it is unpacked, and nothing that a signature does not cover takes part in a decision.
//!
//! Nothing here knows the language, charts or a cluster, and nothing here reads a clock.
//!
//! ```
//! # use std::collections::BTreeMap;
//! # use ktl_bundle::{Command, PrivateKey, SealRequest, Trust, open_bytes, seal, sign};
//! # use ktl_plan::{FORMAT, FailMode, Plan, Runner};
//! # let plan = Plan {
//! #     format: FORMAT.into(), ktl: "0.1.0".into(), stack: "shop".into(), edition: 2026, profile: None,
//! #     inputs: BTreeMap::new(), sources: vec![], clusters: BTreeMap::new(), runner: Runner::default(),
//! #     releases: vec![], edges: vec![],
//! # };
//! let request = SealRequest {
//!     plan,
//!     objects: BTreeMap::new(),
//!     sources: BTreeMap::new(),
//!     command: Command::Apply,
//!     concurrency: 4,
//!     fail_mode: FailMode::FailFast,
//! };
//! let key = PrivateKey::generate()?;
//! let bundle = sign(&seal(&request)?.bundle(), &key)?;
//! let opened = open_bytes(&bundle, &Trust::public_keys(vec![key.public()]))?;
//! assert_eq!(opened.plan.stack, "shop");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod archive;
mod envelope;
mod file;
mod key;
mod key_file;
mod limits;
mod open;
mod seal;
mod sign;
mod statement;
mod verdict;

pub use archive::path::PathProblem;
pub use file::write_atomically;
pub use key::{KeyError, PrivateKey, PublicKey};
pub use key_file::{KeyFileError, ReadPublic, public_path, read_private, read_public, write_key_pair};
pub use limits::Limits;
pub use open::{Opened, Trust, open, open_bytes};
pub use seal::{SealError, SealRequest, Sealed, seal};
pub use sign::{SignError, sign, sign_file};
pub use statement::{Command, Entry, Predicate, Render, Runtime, Statement, Subject};
pub use verdict::{Failure, Outcome, Step, StepId, Verdict, VerifyError};

/// What the magic entry and the `format` of a statement hold.
pub const FORMAT: &str = "ktl.bundle/v1";
