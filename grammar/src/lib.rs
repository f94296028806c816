//! The .ktl grammar, its derived parser and the declaration splitter.
