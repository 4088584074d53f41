//! Rooms, who is a member of them, and up to where they were read.

use protocol::{
    RoomSlug, Seq, Timestamp, UserId,
    api::{Room, RoomSummary, UNREAD_MAX, User},
};
use sqlx::{Row as _, SqliteConnection};

use super::{
    Batch, CreateError, NewRoom, RoomId, RoomRecord, StoreError,
    job::{Outcome, is_unknown_reference},
    row, unknown_room,
};
use crate::store::mentions::mention_key;

/// Unread messages are counted among this many of the newest; beyond, one's own may hide others'.
const UNREAD_SCAN_MAX: u32 = 3 * UNREAD_MAX;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// The room of that address.
pub(super) async fn by_slug(
    connection: &mut SqliteConnection,
    slug: &RoomSlug,
) -> Result<Option<RoomRecord>> {
    let room = sqlx::query("SELECT * FROM rooms WHERE slug = ?1").bind(slug.as_str());
    room.fetch_optional(connection).await?.as_ref().map(row::room).transpose()
}

/// The room of that invitation.
pub(super) async fn by_invite(connection: &mut SqliteConnection, invite: &str) -> Result<Option<RoomRecord>> {
    let room = sqlx::query("SELECT * FROM rooms WHERE invite = ?1").bind(invite);
    room.fetch_optional(connection).await?.as_ref().map(row::room).transpose()
}

/// How many rooms there are.
pub(super) async fn count(connection: &mut SqliteConnection) -> Result<u64> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM rooms").fetch_one(connection).await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Whether `user` is a member.
pub(super) async fn is_member(connection: &mut SqliteConnection, room: RoomId, user: UserId) -> Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM members WHERE user = ?1 AND room = ?2)")
        .bind(user.0.as_bytes().as_slice())
        .bind(room.0)
        .fetch_one(connection)
        .await
}

/// Up to where `user` has read.
pub(super) async fn read_position(
    connection: &mut SqliteConnection,
    room: RoomId,
    user: UserId,
) -> Result<Seq> {
    let seq: Option<i64> = sqlx::query_scalar("SELECT seq FROM reads WHERE user = ?1 AND room = ?2")
        .bind(user.0.as_bytes().as_slice())
        .bind(room.0)
        .fetch_optional(connection)
        .await?;
    seq.map_or(Ok(Seq::ZERO), row::seq)
}

/// The rooms that `user` may read, by name, and what is new in them.
pub(super) async fn of_user(
    connection: &mut SqliteConnection,
    user: &User,
    limit: u32,
) -> Result<Vec<RoomSummary>> {
    let rows = sqlx::query(
        "WITH mine AS MATERIALIZED (
             SELECT r.*, coalesce((SELECT seq FROM reads WHERE user = ?1 AND room = r.id), 0) AS read
             FROM rooms r
             WHERE r.visibility = 'public' OR EXISTS (SELECT 1 FROM members WHERE user = ?1 AND room = r.id)
             ORDER BY r.name_key, r.id
             LIMIT ?3
         )
         SELECT mine.*,
             (SELECT count(*) FROM (
                 SELECT m.author, m.content IS NOT NULL AS is_there FROM messages m
                 WHERE m.room = mine.id AND m.seq > mine.read
                 ORDER BY m.seq DESC LIMIT ?4
              ) WHERE author <> ?1 AND is_there) AS unread,
             (SELECT count(*) FROM (
                 SELECT 1 FROM mentions n
                 WHERE n.name = ?2 AND n.room = mine.id AND n.seq > mine.read
                 LIMIT ?4
              )) AS mentions
         FROM mine
         ORDER BY mine.name_key, mine.id",
    )
    .bind(user.id.0.as_bytes().as_slice())
    .bind(mention_key(&user.username))
    .bind(limit)
    .bind(UNREAD_SCAN_MAX)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let record = row::room(row)?;
            let unread = row.try_get::<u32, _>("unread")?.min(UNREAD_MAX);
            Ok(RoomSummary {
                room: record.for_members(),
                epoch: record.epoch,
                head: record.head,
                read: row::seq_of(row, "read")?,
                unread,
                mentions: row.try_get::<u32, _>("mentions")?.min(unread),
            })
        })
        .collect()
}

impl Batch<'_> {
    /// Makes a room and its creator a member.
    pub(super) async fn create_room(
        &mut self,
        room: NewRoom,
        now: Timestamp,
    ) -> Outcome<RoomRecord, CreateError> {
        let creator = room.creator.map(|user| *user.0.as_bytes());
        let inserted = sqlx::query_scalar(
            "INSERT INTO rooms (slug, name, name_key, topic, visibility, invite, epoch, creator, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT DO NOTHING
             RETURNING id",
        )
        .bind(room.slug.as_str())
        .bind(room.name.as_str())
        .bind(room.name.as_str().to_lowercase())
        .bind(room.topic.as_str())
        .bind(row::visibility_word(room.visibility))
        .bind(room.invite.as_deref())
        .bind(room.epoch.as_str())
        .bind(creator.as_ref().map(<[u8; 16]>::as_slice))
        .bind(row::ms(now))
        .fetch_optional(&mut *self.connection)
        .await;
        let id = match inserted {
            Ok(Some(id)) => RoomId(id),
            Ok(None) => return Ok(Err(CreateError::Taken)),
            Err(error) if is_unknown_reference(&error) => return Ok(Err(unknown_user().into())),
            Err(error) => return Err(error),
        };
        if let Some(creator) = room.creator {
            self.insert_member(id, creator, now).await?;
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
    pub(super) async fn add_member(&mut self, room: RoomId, user: UserId, now: Timestamp) -> Outcome<()> {
        let Some(head) = self.head(room).await? else { return Ok(Err(unknown_room(room))) };
        match self.insert_member(room, user, now).await {
            Err(error) if is_unknown_reference(&error) => return Ok(Err(unknown_user())),
            inserted => inserted?,
        }
        sqlx::query("INSERT INTO reads (user, room, seq) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
            .bind(user.0.as_bytes().as_slice())
            .bind(room.0)
            .bind(row::number(head))
            .execute(&mut *self.connection)
            .await?;
        Ok(Ok(()))
    }

    async fn insert_member(&mut self, room: RoomId, user: UserId, now: Timestamp) -> Result<()> {
        sqlx::query("INSERT INTO members (user, room, since) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
            .bind(user.0.as_bytes().as_slice())
            .bind(room.0)
            .bind(row::ms(now))
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Moves a reader's position on, never back and never beyond the head.
    pub(super) async fn mark_read(&mut self, room: RoomId, user: UserId, seq: Seq) -> Outcome<Seq> {
        let Some(head) = self.head(room).await? else { return Ok(Err(unknown_room(room))) };
        let marked = sqlx::query_scalar(
            "INSERT INTO reads (user, room, seq) VALUES (?1, ?2, ?3)
             ON CONFLICT (user, room) DO UPDATE SET seq = max(seq, excluded.seq)
             RETURNING seq",
        )
        .bind(user.0.as_bytes().as_slice())
        .bind(room.0)
        .bind(row::number(seq.min(head)))
        .fetch_one(&mut *self.connection)
        .await;
        match marked {
            Ok(seq) => Ok(Ok(row::seq(seq)?)),
            Err(error) if is_unknown_reference(&error) => Ok(Err(unknown_user())),
            Err(error) => Err(error),
        }
    }
}

fn unknown_user() -> StoreError {
    StoreError("it holds no such user".into())
}
