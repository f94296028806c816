//! Test suites, their harness and the repository's own commands.
