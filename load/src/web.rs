//! The HTTP interface, as far as the checks need it.

use std::time::Duration;

use anyhow::Context as _;
use client::protocol::{RoomSlug, timeline::Page};
use tokio::time::{Instant, sleep};

/// How long an answer may take.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// How often a server is asked whether it stands as it should.
const POLL: Duration = Duration::from_millis(20);

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

    /// Posts a message; answers the status, and whether a refusal says when to come back.
    pub(crate) async fn post(&self, room: &RoomSlug, content: &str) -> anyhow::Result<(u16, bool)> {
        let body = format!("{{\"content\":\"{content}\"}}");
        let answer = self
            .client
            .post(format!("{}/api/v1/rooms/{room}/messages", self.address))
            .bearer_auth(&self.token)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await?;
        Ok((answer.status().as_u16(), answer.headers().contains_key("retry-after")))
    }

    /// Makes a private room.
    pub(crate) async fn create_private_room(&self, name: &str) -> anyhow::Result<RoomSlug> {
        let body = format!("{{\"name\":\"{name}\",\"visibility\":\"private\"}}");
        let answer = self
            .client
            .post(format!("{}/api/v1/rooms", self.address))
            .bearer_auth(&self.token)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await?
            .error_for_status()?;
        let made: client::protocol::api::RoomSummary = answer.json().await?;
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

    /// Every message of a room, newest page first.
    pub(crate) async fn pages(&self, room: &RoomSlug) -> anyhow::Result<Vec<Page>> {
        let mut pages: Vec<Page> = Vec::new();
        loop {
            let oldest = pages.last().and_then(|page| page.messages.first()).map(|message| message.seq);
            let before = oldest.map(|seq| format!("&before={seq}")).unwrap_or_default();
            let path = format!("/api/v1/rooms/{room}/messages?limit=100{before}");
            let page: Page = self
                .client
                .get(format!("{}{path}", self.address))
                .bearer_auth(&self.token)
                .send()
                .await?
                .error_for_status()?
                .json()
                .await?;
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
