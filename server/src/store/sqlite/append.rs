//! An operation becomes an event: it gets the next number of its room's log and is folded into the message it
//! concerns, in one transaction.

use std::{collections::BTreeSet, sync::Arc};

use protocol::{
    Content, Emoji, Event, EventKind, Message, Op, OpId, OpKind, Seq, UserId, event::Quote,
    limits::REACTIONS_MAX_PER_MESSAGE,
};
use rusqlite::params;

use super::{
    AppendError, Appended, Batch, RoomId, StoreError,
    error::{Error, Result},
    job::{Append, Outcome},
    query::{execute, first},
    row::{self, Columns, NO_REACTIONS, Stored, message_columns},
    seal,
};
use crate::store::Committed;

/// Most reactions of all people together on one message: it is read and written as a whole.
const REACTORS_MAX_PER_MESSAGE: usize = 1_000;

impl Batch<'_> {
    /// Appends an operation, or finds the first answer to it.
    pub(super) fn append(&mut self, append: Append) -> Outcome<Appended, AppendError> {
        let Append { room, author, op, mentions, now } = append;
        let head = match self.head(room)? {
            Ok(head) => head,
            Err(refused) => return Ok(Err(refused.into())),
        };
        // Few are repeats, so it is looked at where one cannot be done whether it was done before.
        let resolved = match self.resolve(room, author.id, &op) {
            // What it concerns is damaged. Nothing is written yet, so the batch goes on without this operation.
            Err(error) if error.is_damage() => Err(StoreError::from(error).into()),
            resolved => resolved?,
        };
        let (kind, changed) = match resolved {
            Ok(resolved) => resolved,
            Err(refused) => return Ok(self.first_answer(author.id, room, &op)?.unwrap_or(Err(refused))),
        };
        let event = Event {
            room: op.room.clone(),
            seq: head.next(),
            user_id: author.id,
            username: author.username,
            timestamp: now,
            kind,
        };
        match self.insert_event(room, op.id, &event) {
            Err(error) if error.is_repeat() => return self.first_answer(author.id, room, &op)?.ok_or(error),
            // The first statement that changes anything: the batch goes on without this operation.
            Err(error) if error.is_unknown_reference() => {
                return Ok(Err(StoreError("it holds no such user".into()).into()));
            }
            inserted => inserted?,
        }
        self.fold(room, &event, changed, &mentions)?;
        self.move_head(room, event.seq, matches!(event.kind, EventKind::Message { .. }));

        let appended = Appended { seq: event.seq, timestamp: event.timestamp };
        self.committed.push(Committed { room, event: Arc::new(event) });
        Ok(Ok(appended))
    }

    /// What was answered when this was asked for before; `None` if it was not.
    fn first_answer(
        &self,
        author: UserId,
        room: RoomId,
        op: &Op,
    ) -> Result<Option<std::result::Result<Appended, AppendError>>> {
        first(
            self.connection,
            "SELECT seq, at, room, kind, target, reply_to, emoji, is_on, content FROM events
             WHERE author = ?1 AND op_id = ?2",
            params![author.0, op.id.0],
            |columns| {
                let appended = Appended { seq: columns.seq()?, timestamp: columns.time()? };
                let is_same = RoomId(columns.take()?) == room && is_what_was_asked(columns, &op.kind)?;
                Ok(if is_same { Ok(appended) } else { Err(AppendError::IdConflict) })
            },
        )
    }

    /// What the operation is as an event, and the message that it changes; or why it cannot be done.
    fn resolve(
        &self,
        room: RoomId,
        author: UserId,
        op: &Op,
    ) -> Outcome<(EventKind, Option<Stored>), AppendError> {
        let kind = &op.kind;
        let target = match kind {
            OpKind::Send { reply_to: None, .. } => None,
            OpKind::Send { reply_to: Some(target), .. }
            | OpKind::Edit { target, .. }
            | OpKind::Delete { target }
            | OpKind::React { target, .. } => match self.message(room, *target)? {
                Some(stored) if stored.message.content.is_some() => Some(stored),
                _ => return Ok(Err(AppendError::TargetNotFound)),
            },
        };
        if let (OpKind::Edit { .. } | OpKind::Delete { .. }, Some(stored)) = (kind, &target)
            && stored.message.user_id != author
        {
            return Ok(Err(AppendError::NotAuthor));
        }
        if let (OpKind::React { emoji, on: true, .. }, Some(stored)) = (kind, &target)
            && !has_room_for(&stored.message, emoji)
        {
            return Ok(Err(AppendError::TooManyReactions));
        }
        Ok(Ok(match kind.clone() {
            OpKind::Send { content, reply_to } => {
                let quote = target.map(|stored| quote_of(stored.message));
                (EventKind::Message { id: op.id, content: Some(content), reply_to, quote }, None)
            }
            OpKind::Edit { target: seq, content } => {
                (EventKind::Edited { target: seq, content: Some(content) }, target)
            }
            OpKind::Delete { target: seq } => (EventKind::Deleted { target: seq }, target),
            OpKind::React { target: seq, emoji, on } => {
                (EventKind::Reacted { target: seq, emoji, on }, target)
            }
        }))
    }

    fn message(&self, room: RoomId, seq: Seq) -> Result<Option<Stored>> {
        let sql = concat!("SELECT ", message_columns!(), " FROM messages m WHERE m.room = ?1 AND m.seq = ?2");
        let params = params![room.0, row::number(seq)];
        first(self.connection, sql, params, |columns| row::message_alone(columns, room))
    }

    fn insert_event(&self, room: RoomId, id: OpId, event: &Event) -> Result<()> {
        let (mut reply_to, mut emoji, mut is_on, mut content) = (None, None, None, None);
        match &event.kind {
            EventKind::Message { content: said, reply_to: answered, .. } => {
                content = said.as_ref().map(Content::as_str);
                reply_to = answered.map(row::number);
            }
            EventKind::Edited { content: said, .. } => content = said.as_ref().map(Content::as_str),
            EventKind::Deleted { .. } => {}
            EventKind::Reacted { emoji: put, on, .. } => {
                emoji = Some(put.as_str());
                is_on = Some(*on);
            }
        }
        let words = content
            .map(|words| seal::of_words(room, event.seq, event.user_id, event.username.as_str(), words));
        execute(
            self.connection,
            "INSERT INTO events (room, seq, author, op_id, at, kind, target, reply_to, emoji, is_on, username, content,
                                 seal, words)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            params![
                room.0,
                row::number(event.seq),
                event.user_id.0,
                id.0,
                row::ms(event.timestamp),
                row::kind_word(&event.kind),
                event.kind.target().map(row::number),
                reply_to,
                emoji,
                is_on,
                event.username.as_str(),
                content,
                seal::of_event(room, id, event),
                words,
            ],
        )?;
        Ok(())
    }

    /// Folds an event into the messages, as every reader does.
    fn fold(
        &self,
        room: RoomId,
        event: &Event,
        changed: Option<Stored>,
        mentions: &BTreeSet<String>,
    ) -> Result<()> {
        if let Some(message) = Message::posted(event) {
            self.insert_message(room, &message)?;
            return self.insert_mentions(room, message.seq, mentions);
        }
        let Some(Stored { mut message, previous }) = changed else { return Ok(()) };
        if message.apply(event) {
            self.update_message(room, &message, previous)?;
        }
        match event.kind {
            EventKind::Edited { .. } => {
                self.delete_mentions(room, message.seq)?;
                self.insert_mentions(room, message.seq, mentions)
            }
            EventKind::Deleted { .. } => {
                self.delete_mentions(room, message.seq)?;
                self.wipe(room, message.seq)
            }
            EventKind::Message { .. } | EventKind::Reacted { .. } => Ok(()),
        }
    }

    fn insert_message(&self, room: RoomId, message: &Message) -> Result<()> {
        let previous = self.last_message(room);
        let words = words_of(room, message);
        execute(
            self.connection,
            "INSERT INTO messages (room, seq, version, author, id, at, reply_to, username, content, previous, words, seal)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            params![
                room.0,
                row::number(message.seq),
                row::number(message.version),
                message.user_id.0,
                message.id.0,
                row::ms(message.timestamp),
                message.reply_to.map(row::number),
                message.username.as_str(),
                message.content.as_ref().map(Content::as_str),
                previous.map(row::number),
                words,
                seal::of_message(room, message, NO_REACTIONS, words, previous),
            ],
        )?;
        Ok(())
    }

    fn update_message(&self, room: RoomId, message: &Message, previous: Option<Seq>) -> Result<()> {
        let reactions = reactions_of(message)?;
        let words = words_of(room, message);
        let seal = seal::of_message(room, message, &reactions, words, previous);
        execute(
            self.connection,
            "UPDATE messages SET version = ?3, edited_at = ?4, reactions = ?5, content = ?6, words = ?7, seal = ?8
             WHERE room = ?1 AND seq = ?2",
            params![
                room.0,
                row::number(message.seq),
                row::number(message.version),
                message.edited_at.map(row::ms),
                reactions,
                message.content.as_ref().map(Content::as_str),
                words,
                seal,
            ],
        )?;
        Ok(())
    }

    fn insert_mentions(&self, room: RoomId, seq: Seq, names: &BTreeSet<String>) -> Result<()> {
        for name in names {
            let sql = "INSERT INTO mentions (name, room, seq) VALUES (?1, ?2, ?3)";
            execute(self.connection, sql, params![name, room.0, row::number(seq)])?;
        }
        Ok(())
    }

    fn delete_mentions(&self, room: RoomId, seq: Seq) -> Result<()> {
        let sql = "DELETE FROM mentions WHERE room = ?1 AND seq = ?2";
        execute(self.connection, sql, params![room.0, row::number(seq)])?;
        Ok(())
    }

    /// Takes the words of a deleted message out of the log: its own event's and its edits'.
    fn wipe(&self, room: RoomId, message: Seq) -> Result<()> {
        for sql in [
            "UPDATE events SET content = NULL, words = NULL WHERE room = ?1 AND seq = ?2",
            "UPDATE events SET content = NULL, words = NULL WHERE room = ?1 AND target = ?2 AND content IS NOT NULL",
        ] {
            execute(self.connection, sql, params![room.0, row::number(message)])?;
        }
        Ok(())
    }
}

/// The reactions of a message as its row has them.
fn reactions_of(message: &Message) -> Result<String> {
    serde_json::to_string(&message.reactions)
        .map_err(|error| Error::Sqlite(rusqlite::Error::ToSqlConversionFailure(Box::new(error))))
}

fn words_of(room: RoomId, message: &Message) -> Option<i64> {
    row::words_seal(room, message.seq, message.user_id, &message.username, message.content.as_ref())
}

/// Whether an event of the log is what this operation became: kind, target, `reply_to`, emoji, whether it is put on, content.
/// Content that was deleted since is taken for the same.
fn is_what_was_asked(columns: &mut Columns<'_>, asked: &OpKind) -> Result<bool> {
    let kind: String = columns.take()?;
    let (target, reply_to) = (columns.optional_seq()?, columns.optional_seq()?);
    let (emoji, is_on) = (columns.take::<Option<String>>()?, columns.take::<Option<bool>>()?);
    let stored: Option<String> = columns.take()?;
    let says = |content: &Content| stored.as_deref().is_none_or(|stored| stored == content.as_str());
    Ok(match asked {
        OpKind::Send { content, reply_to: answers } => {
            kind == "message" && reply_to == *answers && says(content)
        }
        OpKind::Edit { target: edits, content } => {
            kind == "edited" && target == Some(*edits) && says(content)
        }
        OpKind::Delete { target: deletes } => kind == "deleted" && target == Some(*deletes),
        OpKind::React { target: reacts_to, emoji: puts, on } => {
            kind == "reacted"
                && target == Some(*reacts_to)
                && emoji.as_deref() == Some(puts.as_str())
                && is_on == Some(*on)
        }
    })
}

fn has_room_for(message: &Message, emoji: &Emoji) -> bool {
    let is_new = message.reactions.iter().all(|reaction| reaction.emoji != *emoji);
    let reactors: usize = message.reactions.iter().map(|reaction| reaction.users.len()).sum();
    reactors < REACTORS_MAX_PER_MESSAGE && !(is_new && message.reactions.len() >= REACTIONS_MAX_PER_MESSAGE)
}

fn quote_of(message: Message) -> Quote {
    Quote {
        user_id: message.user_id,
        username: message.username,
        excerpt: message.content.map(|content| content.excerpt()),
    }
}
