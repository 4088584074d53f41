//! What a server sends is a frame or is ignored, whatever it is; and a frame says the same when it is written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::ServerFrame;

fuzz_target!(|text: &str| {
    if let Some(frame) = ServerFrame::decode(text) {
        assert_eq!(ServerFrame::decode(&frame.encode()), Some(frame));
    }
});
