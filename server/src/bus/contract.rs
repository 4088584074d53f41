//! The checks that every form of the bus passes.
