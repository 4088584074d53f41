//! The checks that every form of the store passes.
