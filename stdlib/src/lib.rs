//! The standard library modules of ktl, embedded.
