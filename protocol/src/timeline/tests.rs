//! Folding and merging against a naive model.
