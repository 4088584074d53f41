//! Content to typed nodes.
