//! What a page is drawn on and leaves from. Whoever draws keeps one: a page is large, and it would be made and thrown away for each
//! reader.

use std::io;

use axum::{
    http::{HeaderValue, header},
    response::{Html, IntoResponse as _, Response},
};

use super::{compress::gzip, encoding::Encoding};

/// What a page of messages takes, in bytes: what is drawn piece by piece is not moved about meanwhile.
const SHEET_BYTES: usize = 96 * 1024;
/// The largest sheet that is kept, in bytes.
const SHEET_MAX_BYTES: usize = 512 * 1024;

/// A sheet. It is empty before and after each page.
#[derive(Debug, Default)]
pub(crate) struct Sheet(String);

impl Sheet {
    /// What `draw` writes, as an answer; compressed where that `is_read`.
    pub(crate) fn drawn(&mut self, is_read: bool, draw: impl FnOnce(&mut String)) -> io::Result<Response> {
        let Self(html) = self;
        // What a page left that was not finished.
        html.clear();
        html.reserve(SHEET_BYTES);
        draw(html);
        let answer = answer(html.as_bytes(), is_read);
        html.clear();
        html.shrink_to(SHEET_MAX_BYTES);
        answer
    }
}

fn answer(html: &[u8], is_read: bool) -> io::Result<Response> {
    if !is_read {
        return Ok(Html(html.to_vec()).into_response());
    }
    let headers = [
        (header::CONTENT_ENCODING, Encoding::Gzip.header()),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
    ];
    Ok((headers, Html(gzip(html)?)).into_response())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use axum::body::to_bytes;
    use flate2::read::GzDecoder;

    use super::*;

    async fn bytes(answer: io::Result<Response>) -> Vec<u8> {
        to_bytes(answer.unwrap().into_body(), usize::MAX).await.unwrap().into()
    }

    #[tokio::test]
    async fn a_sheet_is_empty_for_every_page() {
        let (long, mut sheet) = ("long ".repeat(SHEET_MAX_BYTES), Sheet::default());
        for text in ["one", &long, "two"] {
            assert_eq!(bytes(sheet.drawn(false, |html| html.push_str(text))).await, text.as_bytes());
            let packed = bytes(sheet.drawn(true, |html| html.push_str(text))).await;
            let mut plain = String::new();
            GzDecoder::new(&*packed).read_to_string(&mut plain).unwrap();
            assert!(plain == text);
            assert!(sheet.0.capacity() <= SHEET_MAX_BYTES, "{}", sheet.0.capacity());
        }
    }
}
