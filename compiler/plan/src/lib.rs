//! The plan: schema, canonical JSON, digests, object identity.
