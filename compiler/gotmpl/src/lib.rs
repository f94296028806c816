//! Go text/template with sprig and Helm functions.
