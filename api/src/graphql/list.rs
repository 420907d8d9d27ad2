//! List arguments.
