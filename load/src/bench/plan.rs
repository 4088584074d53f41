//! What is measured: crowds of different sizes, and what they do.

use super::{
    goals::{BUN, DURABLE_FLOOR, FLOOR, HUBBUB, HUBBUB_AMONG_IDLE, HUBBUB_BEFORE},
    peer::House,
    talk::Load,
};

/// One crowd at one server, and the loads it makes one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stage {
    pub(crate) readers: usize,
    pub(crate) house: House,
    /// None: what is measured is how they come in, and what it costs that they are there.
    pub(crate) loads: &'static [Load],
    /// Whether it belongs to a quick run.
    pub(crate) is_quick: bool,
    pub(crate) who: Who,
    /// Whether it also shows what it costs that there is much else, in which nothing happens.
    pub(crate) is_among_idle: bool,
}

/// Who goes through a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Everybody,
    /// Only those whom goals name, and what stands beside them: the others take long, and a stage of another size says how they
    /// stand.
    Goals,
}

/// Different users that a crowd is made of. A person has some devices; making tens of thousands of guests would take longer
/// than what is measured.
const USERS: usize = 100;
const ROOM: House = House { rooms: 1, users: USERS, history: 0 };

/// In this order.
pub(crate) const STAGES: &[Stage] = &[
    Stage {
        readers: 100,
        house: ROOM,
        loads: &[Load::Loop(4)],
        is_quick: false,
        who: Who::Goals,
        is_among_idle: false,
    },
    Stage {
        readers: 1_000,
        house: ROOM,
        loads: &[Load::Loop(4), Load::Loop(64), Load::Rate(20)],
        is_quick: true,
        who: Who::Everybody,
        is_among_idle: true,
    },
    Stage {
        readers: 5_000,
        house: ROOM,
        loads: &[Load::Loop(4)],
        is_quick: true,
        who: Who::Everybody,
        is_among_idle: false,
    },
    Stage {
        readers: 15_000,
        house: ROOM,
        loads: &[Load::Loop(4)],
        is_quick: false,
        who: Who::Goals,
        is_among_idle: false,
    },
    Stage {
        readers: 10_000,
        house: House { rooms: 20, ..ROOM },
        loads: &[Load::Loop(4)],
        is_quick: false,
        who: Who::Goals,
        is_among_idle: false,
    },
    Stage {
        readers: 10_000,
        house: House { history: 100, ..ROOM },
        loads: &[],
        is_quick: true,
        who: Who::Everybody,
        is_among_idle: false,
    },
];

impl Stage {
    /// Whether a peer goes through it.
    pub(crate) fn is_for(&self, peer: &str) -> bool {
        if peer == HUBBUB_AMONG_IDLE {
            return self.is_among_idle;
        }
        self.who == Who::Everybody || [HUBBUB, HUBBUB_BEFORE, BUN, FLOOR, DURABLE_FLOOR].contains(&peer)
    }

    /// What a load of this stage is called.
    pub(crate) fn scenario(&self, load: Load) -> String {
        let rooms = self.house.rooms;
        let who = match rooms {
            1 => format!("{} readers", thousands(self.readers)),
            _ => format!("{rooms} rooms × {} readers", thousands(self.readers / rooms)),
        };
        match load {
            Load::Loop(outstanding) => format!("{who}, loop of {outstanding}"),
            Load::Rate(per_second) => format!("{who}, {per_second} messages/s"),
        }
    }

    /// What coming in is called.
    pub(crate) fn coming_in(&self) -> String {
        format!("{} connections come in", thousands(self.readers))
    }
}

/// A number as people write it.
pub(crate) fn thousands(number: usize) -> String {
    if number < 1_000 {
        number.to_string()
    } else {
        format!("{},{:03}", thousands(number / 1_000), number % 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_say_what_is_done() {
        let rooms = Stage {
            readers: 10_000,
            house: House { rooms: 20, ..ROOM },
            loads: &[],
            is_quick: false,
            who: Who::Goals,
            is_among_idle: false,
        };
        assert_eq!(rooms.scenario(Load::Loop(4)), "20 rooms × 500 readers, loop of 4");
        let room = Stage { house: ROOM, ..rooms };
        assert_eq!(room.scenario(Load::Rate(20)), "10,000 readers, 20 messages/s");
        assert_eq!(thousands(1_000_000), "1,000,000");
    }
}
