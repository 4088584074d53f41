//! How soon the page comes and how large it is.

use std::time::{Duration, Instant};

use client::protocol::RoomSlug;

use crate::web::Web;

/// Asks `requests` times and prints one line for people and scripts.
pub(crate) async fn run(address: &str, room: &RoomSlug, requests: usize) -> anyhow::Result<()> {
    let guest = client::create_guest(address, &format!("reader-{:08x}", fastrand::u32(..))).await?;
    let web = Web::new(address, &guest.token)?;
    let mut bytes = 0;
    for _ in 0..=(requests / 10) {
        bytes = web.html_bytes(room).await?;
    }
    let mut times = Vec::with_capacity(requests);
    for _ in 0..requests.max(1) {
        let began = Instant::now();
        web.html_bytes(room).await?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let (median, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!("page_bytes {bytes} median_ms {:.2} p99_ms {:.2}", ms(median), ms(p99));
    Ok(())
}
