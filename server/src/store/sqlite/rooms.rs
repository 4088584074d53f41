//! Rooms, who is a member of them, and up to where they were read.

use protocol::{
    RoomSlug, Seq, Timestamp, UserId,
    api::{Room, RoomSummary, UNREAD_MAX, User},
};
use rusqlite::{Connection, params};

use super::{
    Batch, CreateError, Found, NewRoom, RoomId, RoomRecord, StoreError,
    error::Result,
    job::Outcome,
    query::{all, execute, first},
    row::{self, room_columns},
};
use crate::store::mentions::mention_key;

/// Unread messages are counted among this many of the newest; beyond, one's own may hide others'.
const UNREAD_SCAN_MAX: u32 = 3 * UNREAD_MAX;

/// The room of that address, as `user` finds it.
pub(super) fn by_slug(connection: &Connection, slug: &RoomSlug, user: UserId) -> Result<Option<Found>> {
    let sql = concat!(
        "SELECT ",
        room_columns!(),
        ", EXISTS (SELECT 1 FROM members WHERE user = ?2 AND room = r.id AND seal = seal(user, room)),
           coalesce((SELECT seq FROM reads WHERE user = ?2 AND room = r.id), 0)
         FROM rooms r WHERE r.slug = ?1"
    );
    first(connection, sql, params![slug.as_str(), user.0], |columns| {
        Ok(Found { record: row::room(columns)?, is_member: columns.take()?, read: columns.seq()? })
    })
}

/// The room of that invitation.
pub(super) fn by_invite(connection: &Connection, invite: &str) -> Result<Option<RoomRecord>> {
    let sql = concat!("SELECT ", room_columns!(), " FROM rooms r WHERE r.invite = ?1");
    first(connection, sql, params![invite], row::room)
}

/// How many rooms there are.
pub(super) fn count(connection: &Connection) -> Result<u64> {
    let count = first(connection, "SELECT count(*) FROM rooms", [], row::value)?;
    Ok(count.unwrap_or_default())
}

/// The rooms that `user` may read, by name, and what is new in them.
pub(super) fn of_user(connection: &Connection, user: &User, limit: u32) -> Result<Vec<RoomSummary>> {
    let sql = concat!(
        "WITH mine AS MATERIALIZED (
             SELECT r.*, coalesce((SELECT seq FROM reads WHERE user = ?1 AND room = r.id), 0) AS read
             FROM rooms r
             WHERE r.visibility = 'public'
                OR EXISTS (SELECT 1 FROM members WHERE user = ?1 AND room = r.id AND seal = seal(user, room))
             ORDER BY r.name_key, r.id
             LIMIT ?3
         )
         SELECT ",
        room_columns!(),
        ", r.read,
             (SELECT count(*) FROM (
                 SELECT m.author, m.content IS NOT NULL AS is_there FROM messages m
                 WHERE m.room = r.id AND m.seq > r.read
                 ORDER BY m.seq DESC LIMIT ?4
              ) WHERE author <> ?1 AND is_there) AS unread,
             (SELECT count(*) FROM (
                 SELECT 1 FROM mentions n
                 WHERE n.name = ?2 AND n.room = r.id AND n.seq > r.read
                 LIMIT ?4
              )) AS mentions
         FROM mine r
         ORDER BY r.name_key, r.id"
    );
    let params = params![user.id.0, mention_key(&user.username), limit, UNREAD_SCAN_MAX];
    all(connection, sql, params, |columns| {
        let record = row::room(columns)?;
        let read = columns.seq()?;
        let unread = columns.take::<u32>()?.min(UNREAD_MAX);
        let mentions = columns.take::<u32>()?.min(unread);
        Ok(RoomSummary {
            room: record.for_members(),
            epoch: record.epoch,
            head: record.head,
            read,
            unread,
            mentions,
        })
    })
}

impl Batch<'_> {
    /// Makes a room and its creator a member.
    pub(super) fn create_room(&self, room: NewRoom, now: Timestamp) -> Outcome<RoomRecord, CreateError> {
        let inserted = first(
            self.connection,
            "INSERT INTO rooms (slug, name, name_key, topic, visibility, invite, epoch, creator, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT DO NOTHING
             RETURNING id",
            params![
                room.slug.as_str(),
                room.name.as_str(),
                room.name.as_str().to_lowercase(),
                room.topic.as_str(),
                row::visibility_word(room.visibility),
                room.invite,
                room.epoch.as_str(),
                room.creator.map(|user| user.0),
                row::ms(now),
            ],
            row::value,
        );
        let id = match inserted {
            Ok(Some(id)) => RoomId(id),
            Ok(None) => return Ok(Err(CreateError::Taken)),
            Err(error) if error.is_unknown_reference() => return Ok(Err(unknown_user().into())),
            Err(error) => return Err(error),
        };
        execute(
            self.connection,
            "UPDATE rooms SET seal = seal(id, slug, name, topic, visibility, invite, epoch) WHERE id = ?1",
            params![id.0],
        )?;
        if let Some(creator) = room.creator {
            self.insert_member(id, creator, now)?;
        }
        Ok(Ok(RoomRecord {
            id,
            room: Room {
                slug: room.slug,
                name: room.name,
                topic: room.topic,
                visibility: room.visibility,
                invite: None,
            },
            invite: room.invite,
            epoch: room.epoch,
            head: Seq::ZERO,
        }))
    }

    /// Makes `user` a member. What was said before they came does not count as unread.
    pub(super) fn add_member(&mut self, room: RoomId, user: UserId, now: Timestamp) -> Outcome<()> {
        let head = match self.head(room)? {
            Ok(head) => head,
            Err(refused) => return Ok(Err(refused)),
        };
        match self.insert_member(room, user, now) {
            Err(error) if error.is_unknown_reference() => return Ok(Err(unknown_user())),
            inserted => inserted?,
        }
        execute(
            self.connection,
            "INSERT INTO reads (user, room, seq) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            params![user.0, room.0, row::number(head)],
        )?;
        Ok(Ok(()))
    }

    fn insert_member(&self, room: RoomId, user: UserId, now: Timestamp) -> Result<()> {
        execute(
            self.connection,
            "INSERT INTO members (user, room, since, seal) VALUES (?1, ?2, ?3, seal(?1, ?2)) ON CONFLICT DO NOTHING",
            params![user.0, room.0, row::ms(now)],
        )?;
        Ok(())
    }

    /// Moves a reader's position on, never back and never beyond the head.
    pub(super) fn mark_read(&mut self, room: RoomId, user: UserId, seq: Seq) -> Outcome<Seq> {
        let head = match self.head(room)? {
            Ok(head) => head,
            Err(refused) => return Ok(Err(refused)),
        };
        let seq = seq.min(head);
        let marked = first(
            self.connection,
            "INSERT INTO reads (user, room, seq) VALUES (?1, ?2, ?3)
             ON CONFLICT (user, room) DO UPDATE SET seq = max(seq, excluded.seq)
             RETURNING seq",
            params![user.0, room.0, row::number(seq)],
            row::seq,
        );
        match marked {
            Ok(marked) => Ok(Ok(marked.unwrap_or(seq))),
            Err(error) if error.is_unknown_reference() => Ok(Err(unknown_user())),
            Err(error) => Err(error),
        }
    }
}

fn unknown_user() -> StoreError {
    StoreError("it holds no such user".into())
}
