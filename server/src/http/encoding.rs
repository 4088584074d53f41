//! What a browser says that it reads compressed.

use axum::http::{HeaderMap, HeaderValue, header};

/// A way to compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    /// Those that the browser reads, the smallest first.
    pub(crate) fn accepted(request: &HeaderMap) -> impl Iterator<Item = Self> {
        [Self::Brotli, Self::Gzip].into_iter().filter(|encoding| accepts(request, encoding.name()))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// What `Content-Encoding` says.
    pub(crate) const fn header(self) -> HeaderValue {
        HeaderValue::from_static(self.name())
    }

    /// What the name of a file ends with that was compressed when it was built.
    pub(crate) const fn ending(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }
}

/// Whether `Accept-Encoding`, on however many lines, gives an encoding a weight above zero: by its name, or else by `*`
/// (RFC 9110, section 12.5.3).
fn accepts(request: &HeaderMap, encoding: &str) -> bool {
    let lines = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let items = lines.flat_map(|line| line.split(',')).map(|item| {
        let (name, weight) = item.split_once(';').unwrap_or((item, ""));
        (name.trim(), !is_zero(weight))
    });
    let mut by_star = false;
    for (name, is_read) in items {
        if name.eq_ignore_ascii_case(encoding) {
            return is_read;
        }
        by_star |= name == "*" && is_read;
    }
    by_star
}

/// Whether what stands behind a name is a weight of zero, as `q=0` or `Q = 0.000`.
fn is_zero(weight: &str) -> bool {
    let Some((name, value)) = weight.split_once('=') else { return false };
    name.trim().eq_ignore_ascii_case("q") && value.trim().parse() == Ok(0.0_f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_chosen_by_what_the_browser_says() {
        let accepted = |lines: &str| {
            let mut headers = HeaderMap::new();
            for line in lines.lines() {
                headers.append(header::ACCEPT_ENCODING, line.parse().unwrap());
            }
            Encoding::accepted(&headers).collect::<Vec<_>>()
        };
        assert_eq!(accepted("gzip, deflate, br, zstd"), [Encoding::Brotli, Encoding::Gzip]);
        assert_eq!(accepted("BR;q=0.5"), [Encoding::Brotli]);
        assert_eq!(accepted("br;q=0, gzip"), [Encoding::Gzip]);
        assert_eq!(accepted("deflate\ngzip"), [Encoding::Gzip]);
        assert_eq!(accepted("gzip;Q=0, br; q = 0.000"), []);
        assert_eq!(accepted("gzip; q = 0.1"), [Encoding::Gzip]);
        assert_eq!(accepted("*"), [Encoding::Brotli, Encoding::Gzip]);
        assert_eq!(accepted("*, br;q=0"), [Encoding::Gzip]);
        assert_eq!(accepted("gzip, *;q=0"), [Encoding::Gzip]);
        assert_eq!(accepted("identity"), []);
        assert_eq!(accepted(""), []);
    }
}
