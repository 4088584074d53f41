//! The session against a model of the server, over links that break at any moment, in simulated time.
//!
//! Thousands of worlds, each made from a number: people talk while connections drop, die silently, refuse to open; the
//! server restarts, loses events on the way, repeats and reorders them, refuses for now and for good, is restored from a
//! backup; tabs are closed and opened again. Then the faults end, and the promises must hold.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test is given is right, or the test fails"
)]

mod client;
mod server;
mod world;

use world::World;

/// How many worlds one run tries.
const WORLDS: u64 = 2_000;

#[test]
fn every_reader_has_the_log_and_everything_said_is_in_it_once() {
    let first = std::env::var("SESSION_MODEL_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let seeds = first.map_or(0..WORLDS, |seed| seed..seed + 1);
    for seed in seeds {
        // The number of the world that fails, to try it alone: SESSION_MODEL_SEED=N cargo test -p protocol.
        let world = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            world.run_with_faults();
            world.run_in_peace();
            world.check();
        });
        assert!(world.is_ok(), "world {seed} failed");
    }
}
