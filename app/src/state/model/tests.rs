//! What the page does with what happens to it.
