//! Randomness from the operating system: what must not be guessed, and names that must not meet.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The operating system gave no randomness.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the operating system gives no random numbers: {0}")]
pub struct NoRandomness(getrandom::Error);

/// `N` random bytes as base64url: letters, digits, `-` and `_`, six bits each.
pub fn base64url<const N: usize>() -> Result<String, NoRandomness> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<N>()?))
}

/// `N` random bytes as lower-case hexadecimal digits.
pub fn hex<const N: usize>() -> Result<String, NoRandomness> {
    use std::fmt::Write as _;
    bytes::<N>()?.iter().try_fold(String::with_capacity(2 * N), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").unwrap_or_default();
        Ok(text)
    })
}

fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_texts_have_their_length_and_alphabet() {
        let token = base64url::<32>().unwrap();
        assert_eq!(token.len(), 43);
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        let epoch = hex::<8>().unwrap();
        assert_eq!(epoch.len(), 16);
        assert!(epoch.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
        assert_ne!(token, base64url::<32>().unwrap());
    }
}
