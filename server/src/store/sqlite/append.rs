//! An operation becomes an event: it gets the next number of its room's log and is folded into the message it
//! concerns, in one transaction.

use std::{collections::BTreeSet, sync::Arc};

use protocol::{
    Content, Emoji, Event, EventKind, Message, Op, OpId, OpKind, Seq, UserId, event::Quote,
    limits::REACTIONS_MAX_PER_MESSAGE,
};
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{
    AppendError, Appended, Batch, RoomId, StoreError,
    job::{Append, Outcome, is_unknown_reference},
    row::{self, Stored},
    seal, unknown_room,
};
use crate::store::Committed;

/// Most reactions of all people together on one message: it is read and written as a whole.
const REACTORS_MAX_PER_MESSAGE: usize = 1_000;

/// The reactions of a message that was just posted, as its row has them.
const NO_REACTIONS: &str = "[]";

impl Batch<'_> {
    /// Appends an operation, or finds the first answer to it.
    pub(super) async fn append(&mut self, append: Append) -> Outcome<Appended, AppendError> {
        let Append { room, author, op, mentions, now } = append;
        let Some(head) = self.head(room).await? else { return Ok(Err(unknown_room(room).into())) };
        if let Some(first) = self.first_answer(author.id, room, &op).await? {
            return Ok(first);
        }

        let Op { id, room: slug, kind } = op;
        let (kind, changed) = match self.resolve(room, author.id, id, kind).await? {
            Ok(resolved) => resolved,
            Err(refused) => return Ok(Err(refused)),
        };
        let event = Event {
            room: slug,
            seq: head.next(),
            user_id: author.id,
            username: author.username,
            timestamp: now,
            kind,
        };
        match self.insert_event(room, id, &event).await {
            // The first statement that changes anything: the batch goes on without this operation.
            Err(error) if is_unknown_reference(&error) => {
                return Ok(Err(StoreError("it holds no such user".into()).into()));
            }
            inserted => inserted?,
        }
        self.fold(room, &event, changed, &mentions).await?;
        self.move_head(room, event.seq, matches!(event.kind, EventKind::Message { .. }));

        let appended = Appended { seq: event.seq, timestamp: event.timestamp };
        self.committed.push(Committed { room, event: Arc::new(event) });
        Ok(Ok(appended))
    }

    /// What was answered when this was asked for before; `None` if it was not.
    async fn first_answer(
        &mut self,
        author: UserId,
        room: RoomId,
        op: &Op,
    ) -> Result<Option<Result<Appended, AppendError>>, sqlx::Error> {
        let first = sqlx::query(
            "SELECT room, seq, at, kind, target, reply_to, emoji, is_on, content FROM events
             WHERE author = ?1 AND op_id = ?2",
        )
        .bind(author.0.as_bytes().as_slice())
        .bind(op.id.0.as_bytes().as_slice())
        .fetch_optional(&mut *self.connection)
        .await?;
        let Some(first) = first else { return Ok(None) };
        if RoomId(first.try_get("room")?) != room || !is_what_was_asked(&first, &op.kind)? {
            return Ok(Some(Err(AppendError::IdConflict)));
        }
        let appended = Appended { seq: row::seq_of(&first, "seq")?, timestamp: row::time_of(&first, "at")? };
        Ok(Some(Ok(appended)))
    }

    /// What the operation is as an event, and the message that it changes; or why it cannot be done.
    async fn resolve(
        &mut self,
        room: RoomId,
        author: UserId,
        id: OpId,
        kind: OpKind,
    ) -> Outcome<(EventKind, Option<Stored>), AppendError> {
        let target = match &kind {
            OpKind::Send { reply_to: None, .. } => None,
            OpKind::Send { reply_to: Some(target), .. }
            | OpKind::Edit { target, .. }
            | OpKind::Delete { target }
            | OpKind::React { target, .. } => match self.message(room, *target).await? {
                Some(stored) if stored.message.content.is_some() => Some(stored),
                _ => return Ok(Err(AppendError::TargetNotFound)),
            },
        };
        if let (OpKind::Edit { .. } | OpKind::Delete { .. }, Some(stored)) = (&kind, &target)
            && stored.message.user_id != author
        {
            return Ok(Err(AppendError::NotAuthor));
        }
        if let (OpKind::React { emoji, on: true, .. }, Some(stored)) = (&kind, &target)
            && !has_room_for(&stored.message, emoji)
        {
            return Ok(Err(AppendError::TooManyReactions));
        }
        Ok(Ok(match kind {
            OpKind::Send { content, reply_to } => {
                let quote = target.map(|stored| quote_of(stored.message));
                (EventKind::Message { id, content: Some(content), reply_to, quote }, None)
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

    async fn message(&mut self, room: RoomId, seq: Seq) -> Result<Option<Stored>, sqlx::Error> {
        let message = sqlx::query("SELECT * FROM messages WHERE room = ?1 AND seq = ?2")
            .bind(room.0)
            .bind(row::number(seq))
            .fetch_optional(&mut *self.connection)
            .await?;
        message.map(|row| row::message_alone(&row, room)).transpose()
    }

    async fn insert_event(&mut self, room: RoomId, id: OpId, event: &Event) -> Result<(), sqlx::Error> {
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
        sqlx::query(
            "INSERT INTO events (room, seq, author, op_id, at, kind, target, reply_to, emoji, is_on, username, content,
                                 seal, words)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )
        .bind(room.0)
        .bind(row::number(event.seq))
        .bind(event.user_id.0.as_bytes().as_slice())
        .bind(id.0.as_bytes().as_slice())
        .bind(row::ms(event.timestamp))
        .bind(row::kind_word(&event.kind))
        .bind(event.kind.target().map(row::number))
        .bind(reply_to)
        .bind(emoji)
        .bind(is_on)
        .bind(event.username.as_str())
        .bind(content)
        .bind(seal::of_event(room, id, event))
        .bind(words)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Folds an event into the messages, as every reader does.
    async fn fold(
        &mut self,
        room: RoomId,
        event: &Event,
        changed: Option<Stored>,
        mentions: &BTreeSet<String>,
    ) -> Result<(), sqlx::Error> {
        if let Some(message) = Message::posted(event) {
            self.insert_message(room, &message).await?;
            return self.insert_mentions(room, message.seq, mentions).await;
        }
        let Some(Stored { mut message, previous }) = changed else { return Ok(()) };
        if message.apply(event) {
            self.update_message(room, &message, previous).await?;
        }
        match event.kind {
            EventKind::Edited { .. } => {
                self.delete_mentions(room, message.seq).await?;
                self.insert_mentions(room, message.seq, mentions).await
            }
            EventKind::Deleted { .. } => {
                self.delete_mentions(room, message.seq).await?;
                self.wipe(room, message.seq).await
            }
            EventKind::Message { .. } | EventKind::Reacted { .. } => Ok(()),
        }
    }

    async fn insert_message(&mut self, room: RoomId, message: &Message) -> Result<(), sqlx::Error> {
        let previous = self.last_message(room);
        let words = words_of(room, message);
        sqlx::query(
            "INSERT INTO messages (room, seq, version, author, id, at, reply_to, username, content, previous, words, seal)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )
        .bind(room.0)
        .bind(row::number(message.seq))
        .bind(row::number(message.version))
        .bind(message.user_id.0.as_bytes().as_slice())
        .bind(message.id.0.as_bytes().as_slice())
        .bind(row::ms(message.timestamp))
        .bind(message.reply_to.map(row::number))
        .bind(message.username.as_str())
        .bind(message.content.as_ref().map(Content::as_str))
        .bind(previous.map(row::number))
        .bind(words)
        .bind(seal::of_message(room, message, NO_REACTIONS, words, previous))
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    async fn update_message(
        &mut self,
        room: RoomId,
        message: &Message,
        previous: Option<Seq>,
    ) -> Result<(), sqlx::Error> {
        let reactions = serde_json::to_string(&message.reactions)
            .map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        let words = words_of(room, message);
        let seal = seal::of_message(room, message, &reactions, words, previous);
        sqlx::query(
            "UPDATE messages SET version = ?3, edited_at = ?4, reactions = ?5, content = ?6, words = ?7, seal = ?8
             WHERE room = ?1 AND seq = ?2",
        )
        .bind(room.0)
        .bind(row::number(message.seq))
        .bind(row::number(message.version))
        .bind(message.edited_at.map(row::ms))
        .bind(reactions)
        .bind(message.content.as_ref().map(Content::as_str))
        .bind(words)
        .bind(seal)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    async fn insert_mentions(
        &mut self,
        room: RoomId,
        seq: Seq,
        names: &BTreeSet<String>,
    ) -> Result<(), sqlx::Error> {
        for name in names {
            sqlx::query("INSERT INTO mentions (name, room, seq) VALUES (?1, ?2, ?3)")
                .bind(name)
                .bind(room.0)
                .bind(row::number(seq))
                .execute(&mut *self.connection)
                .await?;
        }
        Ok(())
    }

    async fn delete_mentions(&mut self, room: RoomId, seq: Seq) -> Result<(), sqlx::Error> {
        sqlx::query("DELETE FROM mentions WHERE room = ?1 AND seq = ?2")
            .bind(room.0)
            .bind(row::number(seq))
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Takes the words of a deleted message out of the log: its own event's and its edits'.
    async fn wipe(&mut self, room: RoomId, message: Seq) -> Result<(), sqlx::Error> {
        for sql in [
            "UPDATE events SET content = NULL, words = NULL WHERE room = ?1 AND seq = ?2",
            "UPDATE events SET content = NULL, words = NULL WHERE room = ?1 AND target = ?2 AND content IS NOT NULL",
        ] {
            sqlx::query(sql).bind(room.0).bind(row::number(message)).execute(&mut *self.connection).await?;
        }
        Ok(())
    }
}

fn words_of(room: RoomId, message: &Message) -> Option<i64> {
    row::words_seal(room, message.seq, message.user_id, &message.username, message.content.as_ref())
}

/// Whether an event of the log is what this operation became. Content that was deleted since is taken for the same.
fn is_what_was_asked(event: &SqliteRow, asked: &OpKind) -> Result<bool, sqlx::Error> {
    let is_kind = |kind: &str| event.try_get::<&str, _>("kind").map(|stored| stored == kind);
    let is_at = |column: &str, seq: Option<Seq>| {
        event.try_get::<Option<i64>, _>(column).map(|stored| stored == seq.map(row::number))
    };
    let says = |content: &Content| {
        let stored = event.try_get::<Option<&str>, _>("content")?;
        Ok::<_, sqlx::Error>(stored.is_none_or(|stored| stored == content.as_str()))
    };
    Ok(match asked {
        OpKind::Send { content, reply_to } => {
            is_kind("message")? && is_at("reply_to", *reply_to)? && says(content)?
        }
        OpKind::Edit { target, content } => {
            is_kind("edited")? && is_at("target", Some(*target))? && says(content)?
        }
        OpKind::Delete { target } => is_kind("deleted")? && is_at("target", Some(*target))?,
        OpKind::React { target, emoji, on } => {
            is_kind("reacted")?
                && is_at("target", Some(*target))?
                && event.try_get::<&str, _>("emoji")? == emoji.as_str()
                && event.try_get::<bool, _>("is_on")? == *on
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
