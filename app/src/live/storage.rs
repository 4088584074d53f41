//! What the browser keeps across reloads and closed tabs: the outbox and the drafts of this user, until they sign out.
//!
//! One entry per operation, under a key that sorts by the time at which it was asked for; so two tabs never write the same
//! entry, and an operation that one of them has seen through disappears for the other. Where the browser lets nothing be
//! kept (some private modes), the page lives on without: the outbox is then as old as the page.

use std::collections::HashMap;

use leptos::prelude::window;
use protocol::{Op, OpId, RoomSlug, Seq, Timestamp, UserId, frame::Refusal, json, session::OUTBOX_MAX_OPS};
use serde::{Deserialize, Serialize};
use web_sys::Storage;

use super::clock;
use crate::state::Cause;

/// What the name of each entry begins with.
const PREFIX: &str = "hubbub.";
/// Most drafts that are kept, in rooms.
const DRAFTS_MAX_ROOMS: usize = 200;
/// Longest draft that is kept, in bytes: more than fits into a message.
const DRAFT_MAX_BYTES: usize = 64 * 1024;

/// An operation as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct KeptOp {
    pub(super) op: Op,
    /// When it was asked for.
    pub(super) at: Timestamp,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) refused: Option<Refusal>,
}

/// What another tab did to what is kept.
pub(super) enum Elsewhere {
    /// It has seen an operation through, which has this number in the log.
    Acked(OpId, Seq),
    /// It has given an operation up.
    Discarded(OpId),
    /// Something that does not concern this tab.
    Nothing,
}

/// The browser's storage.
pub(super) struct Kept {
    /// `None` where the browser lets nothing be kept.
    storage: Option<Storage>,
    outbox_prefix: String,
    draft_prefix: String,
    /// The entry of each operation that this tab knows of.
    keys: HashMap<OpId, String>,
    /// Tells apart what is asked for within a millisecond.
    count: u32,
}

impl Kept {
    /// What is kept of `user`. What anybody else has left in this browser is removed: it is not for `user` to read, and
    /// nobody can send it any more.
    pub(super) fn open(user: UserId) -> Self {
        let kept = Self {
            storage: window().local_storage().ok().flatten(),
            outbox_prefix: format!("{PREFIX}outbox.{user}."),
            draft_prefix: format!("{PREFIX}draft.{user}."),
            keys: HashMap::new(),
            count: 0,
        };
        let is_own =
            |key: &&String| key.starts_with(&kept.outbox_prefix) || key.starts_with(&kept.draft_prefix);
        kept.keys_with(PREFIX).iter().filter(|key| !is_own(key)).for_each(|key| kept.delete(key));
        kept
    }

    /// Removes all that is kept of this user, and keeps nothing from here on.
    pub(super) fn end(&mut self) {
        for prefix in [&self.outbox_prefix, &self.draft_prefix] {
            self.keys_with(prefix).iter().for_each(|key| self.delete(key));
        }
        self.keys.clear();
        self.storage = None;
    }

    /// The operations that are kept, those of other tabs too.
    pub(super) fn operations(&self) -> Vec<OpId> {
        self.keys_with(&self.outbox_prefix).iter().filter_map(|key| id_of(key)).collect()
    }

    /// The operations that this tab does not know yet, in the order in which they were asked for. From here on it does.
    pub(super) fn take_over(&mut self) -> Vec<KeptOp> {
        let mut found = Vec::new();
        for key in self.keys_with(&self.outbox_prefix) {
            let Some(id) = id_of(&key) else { continue };
            if self.keys.contains_key(&id) || self.keys.len() >= OUTBOX_MAX_OPS {
                continue;
            }
            if let Some(kept) = self.read(&key) {
                self.keys.insert(id, key);
                found.push(kept);
            } else {
                self.delete(&key);
            }
        }
        found
    }

    /// Keeps an operation as the last.
    ///
    /// # Errors
    /// Nothing more can be kept: the operation would be lost with the tab, so it should not begin. The session's outbox
    /// is never fuller than what is kept, so that its own bound is not reached.
    pub(super) fn keep(&mut self, op: &Op, at: Timestamp) -> Result<(), Cause> {
        if !self.keys.contains_key(&op.id) && self.keys.len() >= OUTBOX_MAX_OPS {
            return Err(Cause::OutboxFull);
        }
        let time = clock::timestamp().unix_ms();
        self.count += 1;
        let key = format!("{}{time:015}-{:06}.{}", self.outbox_prefix, self.count, op.id);
        self.write(&key, &KeptOp { op: op.clone(), at, refused: None })?;
        // The new entry first, so that at no moment there is none.
        if let Some(old) = self.keys.insert(op.id, key) {
            self.delete(&old);
        }
        Ok(())
    }

    /// Keeps that an operation failed. Where that does not fit, it will be tried once more after a reload, which is
    /// harmless.
    pub(super) fn keep_refusal(&self, id: OpId, refusal: &Refusal) {
        if let Some(key) = self.keys.get(&id)
            && let Some(kept) = self.read(key)
        {
            let _ = self.write(key, &KeptOp { refused: Some(refusal.clone()), ..kept });
        }
    }

    /// Whether an operation is kept as failed.
    pub(super) fn is_refused(&self, id: OpId) -> bool {
        self.keys.get(&id).and_then(|key| self.read(key)).is_some_and(|kept| kept.refused.is_some())
    }

    /// Lets go of an operation that is done. Other tabs hear of its number first, so that it stays in their sight until
    /// they have caught up with it.
    pub(super) fn acked(&mut self, id: OpId, seq: Seq) {
        if let Some(key) = self.keys.get(&id)
            && let Some(storage) = &self.storage
        {
            let _ = storage.set_item(key, &seq.to_string());
        }
        self.discard(id);
    }

    /// Lets go of an operation that was given up.
    pub(super) fn discard(&mut self, id: OpId) {
        if let Some(key) = self.keys.remove(&id) {
            self.delete(&key);
        }
    }

    /// Another tab has changed the entry `key`; `value` is what it says now.
    pub(super) fn changed(&mut self, key: Option<&str>, value: Option<&str>) -> Elsewhere {
        let id = key.filter(|key| key.starts_with(&self.outbox_prefix)).and_then(id_of);
        let (Some(key), Some(id)) = (key, id) else { return Elsewhere::Nothing };
        let Some(known) = self.keys.get_mut(&id) else { return Elsewhere::Nothing };
        match value.map(str::parse) {
            Some(Ok(seq)) => {
                self.keys.remove(&id);
                Elsewhere::Acked(id, seq)
            }
            // It was tried again there, and so moved.
            Some(Err(_)) => {
                key.clone_into(known);
                Elsewhere::Nothing
            }
            None if known == key => {
                self.keys.remove(&id);
                Elsewhere::Discarded(id)
            }
            None => Elsewhere::Nothing,
        }
    }

    /// What was typed and not sent.
    pub(super) fn drafts(&self) -> HashMap<RoomSlug, String> {
        let room = |key: &str| key.strip_prefix(&self.draft_prefix)?.parse().ok();
        let keys = self.keys_with(&self.draft_prefix);
        keys.iter().take(DRAFTS_MAX_ROOMS).filter_map(|key| Some((room(key)?, self.get(key)?))).collect()
    }

    /// Keeps what was typed in a room. What does not fit is not kept: a draft is a convenience.
    pub(super) fn keep_draft(&self, room: &RoomSlug, text: &str) {
        let key = format!("{}{room}", self.draft_prefix);
        if text.is_empty() {
            self.delete(&key);
        } else if text.len() <= DRAFT_MAX_BYTES
            && let Some(storage) = &self.storage
        {
            let _ = storage.set_item(&key, text);
        }
    }

    fn keys_with(&self, prefix: &str) -> Vec<String> {
        let Some(storage) = &self.storage else { return Vec::new() };
        let count = storage.length().unwrap_or_default();
        let mut keys: Vec<String> = Vec::new();
        let found = (0..count).filter_map(|index| storage.key(index).ok().flatten());
        // In order. They are few, and a sort that is fast for many would be more than a kilobyte of the page.
        for key in found.filter(|key| key.starts_with(prefix)) {
            keys.insert(keys.partition_point(|before| *before < key), key);
        }
        keys
    }

    fn get(&self, key: &str) -> Option<String> {
        self.storage.as_ref()?.get_item(key).ok().flatten()
    }

    fn read(&self, key: &str) -> Option<KeptOp> {
        json::read(&self.get(key)?)
    }

    fn write(&self, key: &str, kept: &KeptOp) -> Result<(), Cause> {
        let Some(storage) = &self.storage else { return Ok(()) };
        let text = serde_json::to_string(kept).unwrap_or_default();
        storage.set_item(key, &text).map_err(|_| Cause::StorageFull)
    }

    fn delete(&self, key: &str) {
        if let Some(storage) = &self.storage {
            let _ = storage.remove_item(key);
        }
    }
}

fn id_of(key: &str) -> Option<OpId> {
    key.rsplit('.').next()?.parse().ok()
}
