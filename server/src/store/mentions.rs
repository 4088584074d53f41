//! Whom a message mentions. Found once, when the message is written, so that counting them later is a look into an
//! index and not into every message.

use std::collections::BTreeSet;

use protocol::{Content, Username};

/// Most different names that one message can mention; more are not counted.
const MENTIONS_MAX: usize = 50;

/// A name as mentions are compared, like [`protocol::markdown::mentions`].
pub(super) fn mention_key(name: &Username) -> String {
    name.folded().collect()
}

/// The keys of everybody whom `content` mentions, but not of `author`.
pub(super) fn mentioned(content: &Content, author: &Username) -> BTreeSet<String> {
    let text = content.as_str();
    // Most messages mention nobody: do not parse those.
    if !text.contains('@') {
        return BTreeSet::new();
    }
    let author = mention_key(author);
    protocol::markdown::parse(text)
        .mentions()
        .map(mention_key)
        .filter(|name| *name != author)
        .take(MENTIONS_MAX)
        .collect()
}
