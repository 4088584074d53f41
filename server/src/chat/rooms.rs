//! Making rooms, listing them, and being invited to them.

use protocol::{
    ErrorCode, RoomName, RoomSlug, Seq, Topic,
    api::{self, RoomSummary, User, Visibility},
    frame::Refusal,
};

use super::{Chat, ROOMS_MAX_LISTED, room_not_found};
use crate::{
    auth::{no_randomness, unavailable},
    bus::Notice,
    random,
    store::{CreateError, NewRoom, RoomRecord},
};

/// Longest invitation that is looked up, in bytes.
const INVITE_MAX_BYTES: usize = 64;

/// The name of the room that a new instance begins with. Nothing is said of it: its readers' language is not known.
const FIRST_ROOM: &str = "general";

impl Chat {
    /// The rooms that `user` may read, by name, and what is new in them; at most [`ROOMS_MAX_LISTED`].
    pub async fn rooms(&self, user: &User) -> Result<Vec<RoomSummary>, Refusal> {
        self.store.rooms_of(user, ROOMS_MAX_LISTED).await.map_err(|error| unavailable(&error))
    }

    /// Makes a room; its address is made from its name. Its maker is a member.
    pub async fn create_room(&self, user: &User, new: api::NewRoom) -> Result<RoomSummary, Refusal> {
        let bad_name = |what: &str, error: &dyn std::fmt::Display| {
            Refusal::new(ErrorCode::BadName, format!("this {what} cannot be used: {error}"))
        };
        let name: RoomName = new.name.parse().map_err(|error| bad_name("name", &error))?;
        let topic: Topic = new.topic.parse().map_err(|error| bad_name("topic", &error))?;
        let slug = RoomSlug::from_name(name.as_str()).map_err(|_| {
            bad_name("name", &"it needs a letter or a digit, for the room's address is made from it")
        })?;

        let count = self.store.room_count().await.map_err(|error| unavailable(&error))?;
        if count >= self.limits.rooms_total {
            return Err(Refusal::new(
                ErrorCode::LimitReached,
                format!("this server holds at most {} rooms; use one that exists", self.limits.rooms_total),
            ));
        }

        let record = self.make_room(slug, name, topic, new.visibility, Some(user)).await?;
        let notice = match record.room.visibility {
            Visibility::Public => Notice::RoomMade { record: record.clone() },
            Visibility::Private => Notice::MemberAdded { record: record.clone(), user: user.id },
        };
        self.bus.publish(notice).await;
        Ok(RoomSummary {
            room: record.for_members(),
            epoch: record.epoch,
            head: record.head,
            read: Seq::ZERO,
            unread: 0,
            mentions: 0,
        })
    }

    /// Sees to it that a new instance has a room to talk in. For the start of the server.
    pub async fn ensure_first_room(&self) -> Result<(), Refusal> {
        if self.store.room_count().await.map_err(|error| unavailable(&error))? > 0 {
            return Ok(());
        }
        let wrong = |error: &dyn std::fmt::Display| Refusal::new(ErrorCode::Internal, error.to_string());
        let slug = FIRST_ROOM.parse().map_err(|error| wrong(&error))?;
        let name = FIRST_ROOM.parse().map_err(|error| wrong(&error))?;
        self.make_room(slug, name, Topic::default(), Visibility::Public, None).await.map(drop)
    }

    async fn make_room(
        &self,
        slug: RoomSlug,
        name: RoomName,
        topic: Topic,
        visibility: Visibility,
        creator: Option<&User>,
    ) -> Result<RoomRecord, Refusal> {
        let invite = match visibility {
            Visibility::Public => None,
            Visibility::Private => Some(random::base64url::<24>().map_err(no_randomness)?),
        };
        let epoch = random::hex::<8>()
            .map_err(no_randomness)?
            .parse()
            .map_err(|error| Refusal::new(ErrorCode::Internal, format!("{error}")))?;
        let room =
            NewRoom { slug, name, topic, visibility, invite, epoch, creator: creator.map(|user| user.id) };
        self.store.create_room(room, self.clock.now()).await.map_err(|error| match error {
            CreateError::Taken => Refusal::new(
                ErrorCode::RoomExists,
                "there is a room with this address already; choose another name",
            ),
            CreateError::Store(error) => unavailable(&error),
        })
    }

    /// The private room that an invitation leads to.
    pub async fn invitation(&self, invite: &str) -> Result<RoomRecord, Refusal> {
        if invite.len() > INVITE_MAX_BYTES {
            return Err(no_invitation());
        }
        let record = self.store.room_by_invite(invite).await.map_err(|error| unavailable(&error))?;
        record.ok_or_else(no_invitation)
    }

    /// Makes `user` a member of the room that an invitation leads to; no change if they are one.
    pub async fn accept_invitation(&self, user: &User, invite: &str) -> Result<RoomRecord, Refusal> {
        let record = self.invitation(invite).await?;
        self.store
            .add_member(record.id, user.id, self.clock.now())
            .await
            .map_err(|error| unavailable(&error))?;
        self.bus.publish(Notice::MemberAdded { record: record.clone(), user: user.id }).await;
        Ok(record)
    }
}

fn no_invitation() -> Refusal {
    Refusal { message: "this invitation leads nowhere; ask for a new link".into(), ..room_not_found() }
}
