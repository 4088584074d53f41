//! The HTTP interface, as far as the checks need it.

use std::time::Duration;

use anyhow::Context as _;
use client::protocol::{RoomSlug, timeline::Page};

/// How long an answer may take.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// One user's way to ask a server.
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
