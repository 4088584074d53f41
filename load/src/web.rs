//! The HTTP interface, as far as the checks need it.

use std::time::Duration;

use anyhow::Context as _;
use client::protocol::{
    ErrorCode, RoomSlug,
    api::{ErrorBody, RoomSummary},
    frame::Refusal,
    timeline::Page,
};
use tokio::time::{Instant, sleep};

/// How long an answer may take.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// How often a server is asked whether it stands as it should.
const POLL: Duration = Duration::from_millis(20);

/// How a post was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Whether the head says when to come back.
    pub(crate) says_when: bool,
    /// What the body says where it was refused.
    pub(crate) refusal: Option<Refusal>,
}

impl Answer {
    /// How long to wait before it is sent again, in milliseconds, where the server says so.
    pub(crate) fn retry_after_ms(&self) -> Option<u64> {
        self.refusal.as_ref()?.retry_after_ms
    }

    /// Whether it was refused with this status and code, to be sent again at a time that it says.
    pub(crate) fn is_for_now(&self, status: u16, code: ErrorCode) -> bool {
        let is_so = |refusal: &Refusal| refusal.code == code && refusal.retry_after_ms.is_some();
        self.status == status && self.says_when && self.refusal.as_ref().is_some_and(is_so)
    }
}

/// One user's way to ask a server.
#[derive(Debug, Clone)]
pub(crate) struct Web {
    client: reqwest::Client,
    address: String,
    token: String,
}

impl Web {
    pub(crate) fn new(address: &str, token: &str) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().timeout(ANSWER_WAIT).build()?;
        Ok(Self { client, address: address.to_owned(), token: token.to_owned() })
    }

    /// Posts a message.
    pub(crate) async fn post(&self, room: &RoomSlug, content: &str) -> anyhow::Result<Answer> {
        let body = format!("{{\"content\":\"{content}\"}}");
        let answer = self
            .client
            .post(format!("{}/api/v1/rooms/{room}/messages", self.address))
            .bearer_auth(&self.token)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await?;
        let (status, says_when) = (answer.status().as_u16(), answer.headers().contains_key("retry-after"));
        let refusal = match status {
            201 => None,
            _ => answer.json().await.ok().map(|body: ErrorBody| body.error),
        };
        Ok(Answer { status, says_when, refusal })
    }

    /// Makes a private room.
    pub(crate) async fn create_private_room(&self, name: &str) -> anyhow::Result<RoomSlug> {
        self.create_room(name, "private").await
    }

    /// Makes a room that everybody may enter.
    pub(crate) async fn create_public_room(&self, name: &str) -> anyhow::Result<RoomSlug> {
        self.create_room(name, "public").await
    }

    async fn create_room(&self, name: &str, visibility: &str) -> anyhow::Result<RoomSlug> {
        let body = format!("{{\"name\":\"{name}\",\"visibility\":\"{visibility}\"}}");
        let answer = self
            .client
            .post(format!("{}/api/v1/rooms", self.address))
            .bearer_auth(&self.token)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await?
            .error_for_status()?;
        let made: RoomSummary = answer.json().await?;
        Ok(made.room.slug)
    }

    /// The status of an address that tells how the server stands.
    pub(crate) async fn status(&self, path: &str) -> anyhow::Result<u16> {
        let ask = self.client.get(format!("{}{path}", self.address)).bearer_auth(&self.token);
        Ok(ask.send().await?.status().as_u16())
    }

    /// Waits until `path` is answered with `status`; answers how long that took.
    pub(crate) async fn until(
        &self,
        path: &str,
        status: u16,
        patience: Duration,
    ) -> anyhow::Result<Duration> {
        let began = Instant::now();
        while self.status(path).await? != status {
            anyhow::ensure!(
                began.elapsed() < patience,
                "{path} is not answered with {status} after {patience:?}"
            );
            sleep(POLL).await;
        }
        Ok(began.elapsed())
    }

    /// A page of a room: the one that `query` asks for.
    pub(crate) async fn page(&self, room: &RoomSlug, query: &str) -> anyhow::Result<Page> {
        let answer = self
            .client
            .get(format!("{}/api/v1/rooms/{room}/messages?{query}", self.address))
            .bearer_auth(&self.token)
            .send()
            .await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// Every message of a room, newest page first.
    pub(crate) async fn pages(&self, room: &RoomSlug) -> anyhow::Result<Vec<Page>> {
        let mut pages: Vec<Page> = Vec::new();
        loop {
            let oldest = pages.last().and_then(|page| page.messages.first()).map(|message| message.seq);
            let before = oldest.map(|seq| format!("&before={seq}")).unwrap_or_default();
            let page = self.page(room, &format!("limit=100{before}")).await?;
            let is_last = !page.has_more_before;
            pages.push(page);
            if is_last {
                pages.reverse();
                return Ok(pages);
            }
        }
    }

    /// The room's page as a browser gets it, compressed; its size in bytes.
    pub(crate) async fn html_bytes(&self, room: &RoomSlug) -> anyhow::Result<usize> {
        let answer = self
            .client
            .get(format!("{}/rooms/{room}", self.address))
            .header("accept-encoding", "gzip, deflate, br, zstd")
            .header("cookie", format!("hubbub_session={}", self.token))
            .send()
            .await?
            .error_for_status()?;
        answer.headers().get("content-encoding").context("the page came uncompressed")?;
        Ok(answer.bytes().await?.len())
    }
}
