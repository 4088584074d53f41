//! What a client sends is a frame or is refused, whatever it is; and a frame says the same when it is written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::{ClientFrame, limits::FRAME_MAX_BYTES};

fuzz_target!(|text: &str| {
    match ClientFrame::decode(text) {
        Ok(frame) => {
            assert!(text.len() <= FRAME_MAX_BYTES);
            assert_eq!(ClientFrame::decode(&frame.encode()), Ok(frame));
        }
        Err(refusal) => assert!(!refusal.message.is_empty(), "a refusal says what to do"),
    }
});
