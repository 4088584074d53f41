//! What a page is drawn on and leaves from. Each thread that draws keeps one: a page is large, and it would be made and thrown away for
//! each reader.

use std::{cell::RefCell, io};

use axum::{
    http::{HeaderValue, header},
    response::{Html, IntoResponse as _, Response},
};

use super::{compress::gzip, encoding::Encoding};

/// What a page of messages takes, in bytes: what is drawn piece by piece is not moved about meanwhile.
const SHEET_BYTES: usize = 96 * 1024;
/// The largest sheet that is kept, in bytes.
const SHEET_MAX_BYTES: usize = 512 * 1024;

thread_local! {
    static SHEET: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What `draw` writes, as an answer; compressed where that `is_read`.
pub(crate) fn drawn(is_read: bool, draw: impl FnOnce(&mut String)) -> io::Result<Response> {
    SHEET.with_borrow_mut(|sheet| {
        // What a page left that was not finished.
        sheet.clear();
        sheet.reserve(SHEET_BYTES);
        draw(sheet);
        let answer = answer(sheet.as_bytes(), is_read);
        sheet.clear();
        sheet.shrink_to(SHEET_MAX_BYTES);
        answer
    })
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
        let long = "long ".repeat(SHEET_MAX_BYTES);
        for text in ["one", &long, "two"] {
            assert_eq!(bytes(drawn(false, |sheet| sheet.push_str(text))).await, text.as_bytes());
            let packed = bytes(drawn(true, |sheet| sheet.push_str(text))).await;
            let mut plain = String::new();
            GzDecoder::new(&*packed).read_to_string(&mut plain).unwrap();
            assert!(plain == text);
            SHEET.with_borrow(|sheet| assert!(sheet.capacity() <= SHEET_MAX_BYTES, "{}", sheet.capacity()));
        }
    }
}
