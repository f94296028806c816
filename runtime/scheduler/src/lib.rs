//! A pure scheduler: events in, commands out.
