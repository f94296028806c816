//! Drives the scheduler against clusters.
