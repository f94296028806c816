//! The crate from outside: readiness over a corpus, requests and answers over a scripted API server.

mod answers;
mod connect;
mod corpus;
mod failures;
mod server;
mod watch;
