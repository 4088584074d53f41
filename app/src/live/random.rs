//! Randomness. `crypto.randomUUID` is there only on https and localhost; `crypto.getRandomValues` is there always.

use leptos::prelude::window;
use protocol::OpId;

/// An id for a new operation.
pub(super) fn op_id() -> OpId {
    OpId(uuid::Builder::from_random_bytes(random_bytes()).into_uuid())
}

/// A seed for the session's random waits.
pub(super) fn seed() -> u64 {
    let bytes: [u8; 8] = random_bytes();
    u64::from_le_bytes(bytes)
}

fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let filled = window().crypto().and_then(|crypto| crypto.get_random_values_with_u8_array(&mut bytes));
    if filled.is_err() {
        // No browser that runs WebAssembly comes here. These are ids, not secrets: the weaker source will do.
        bytes.fill_with(weak_byte);
    }
    bytes
}

fn weak_byte() -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255 by construction")]
    let byte = (js_sys::Math::random() * 256.0) as u8;
    byte
}
