//! Names, types, overlays and evaluation of .ktl.
