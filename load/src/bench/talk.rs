//! Some connections talk and the answers are counted: the deliveries of each message to everybody in its room, or its
//! acknowledgement. What each answer costs the server, and how long it takes.

use std::time::{Duration, Instant};

use super::{
    crowd::{Crowd, Heard},
    histogram::Histogram,
    peer::Word,
    process::Process,
};

/// How long nothing may be answered before a server is given up.
const STALL_WAIT: Duration = Duration::from_secs(5);

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// Each who talks has this many messages under way, and says the next when one has all its answers.
    Loop(u32),
    /// All together say this many messages a second, in turn, whether or not the ones before were answered.
    Rate(u32),
}

/// What a message is answered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It comes to this many readers.
    Deliveries(u32),
    /// It is acknowledged to who said it.
    Ack,
}

/// How long a load goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    /// Before anything is counted.
    pub(crate) warm_up: Duration,
    /// While it is counted.
    pub(crate) counted: Duration,
}

/// What was seen.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) elapsed: Duration,
    /// Processor time of the server.
    pub(crate) cost: Duration,
    /// From a message's saying to each of its answers.
    pub(crate) latency: Histogram,
    /// Reads of the generator: how many answers came together.
    pub(crate) reads: u64,
}

/// Lets the first `talkers` connections talk.
pub(crate) fn talk(
    crowd: &mut Crowd,
    process: &Process,
    talkers: usize,
    answer: Answer,
    load: Load,
    span: Span,
) -> anyhow::Result<Seen> {
    let mut talk = Talk::new(talkers, answer, load, crowd.next_number());
    talk.until(crowd, Instant::now() + span.warm_up)?;
    talk.latency = Histogram::default();
    let (began, reads, cost) = (Instant::now(), crowd.reads(), process.cost()?);
    talk.until(crowd, began + span.counted)?;
    let seen = Seen {
        elapsed: began.elapsed(),
        cost: process.cost()?.since(&cost),
        latency: talk.latency.clone(),
        reads: crowd.reads() - reads,
    };
    talk.finish(crowd)?;
    Ok(seen)
}

struct Said {
    at: Instant,
    talker: usize,
    /// Answers that have not come.
    left: u32,
}

struct Talk {
    talkers: usize,
    answer: Answer,
    load: Load,
    /// The number of what was said first.
    first: u32,
    /// What was said, by its number from the first on.
    said: Vec<Said>,
    /// How many of these are under way.
    under_way: usize,
    /// Whose turn it is.
    due: Vec<usize>,
    /// When somebody talks next, at a rate, and who.
    tick: (Instant, usize),
    latency: Histogram,
    /// When something was answered last.
    alive: Instant,
}

impl Talk {
    fn new(talkers: usize, answer: Answer, load: Load, first: u32) -> Self {
        let due = match load {
            Load::Loop(outstanding) => (0..outstanding).flat_map(|_| 0..talkers).collect(),
            Load::Rate(_) => Vec::new(),
        };
        let now = Instant::now();
        Self {
            talkers,
            answer,
            load,
            first,
            said: Vec::new(),
            under_way: 0,
            due,
            tick: (now, 0),
            latency: Histogram::default(),
            alive: now,
        }
    }

    /// Talks until then.
    fn until(&mut self, crowd: &mut Crowd, end: Instant) -> anyhow::Result<()> {
        loop {
            let now = Instant::now();
            if now >= end {
                return Ok(());
            }
            self.keep_time(now);
            self.say_what_is_due(crowd)?;
            let next = match self.load {
                Load::Loop(_) => end,
                Load::Rate(_) => end.min(self.tick.0),
            };
            self.hear(crowd, next.saturating_duration_since(now))?;
        }
    }

    /// Waits until everything under way was answered.
    fn finish(&mut self, crowd: &mut Crowd) -> anyhow::Result<()> {
        while self.under_way > 0 {
            self.hear(crowd, STALL_WAIT)?;
        }
        Ok(())
    }

    fn keep_time(&mut self, now: Instant) {
        if let Load::Rate(per_second) = self.load {
            while now >= self.tick.0 {
                self.due.push(self.tick.1);
                self.tick =
                    (self.tick.0 + Duration::from_secs(1) / per_second, (self.tick.1 + 1) % self.talkers);
            }
        }
    }

    fn say_what_is_due(&mut self, crowd: &mut Crowd) -> anyhow::Result<()> {
        let left = match self.answer {
            Answer::Deliveries(readers) => readers,
            Answer::Ack => 1,
        };
        let at = Instant::now();
        for talker in self.due.drain(..) {
            self.said.push(Said { at, talker, left });
            self.under_way += 1;
            crowd.say(talker);
        }
        crowd.flush()
    }

    fn hear(&mut self, crowd: &mut Crowd, wait: Duration) -> anyhow::Result<()> {
        let before = self.latency.total();
        crowd.turn(Some(wait.min(STALL_WAIT)), |heard| self.count(heard))?;
        if self.latency.total() > before || self.under_way == 0 {
            self.alive = Instant::now();
        }
        anyhow::ensure!(self.alive.elapsed() < STALL_WAIT, "it stops delivering");
        Ok(())
    }

    fn count(&mut self, Heard { word, at }: Heard) {
        let ((Word::Message(number), Answer::Deliveries(_)) | (Word::Ack(number), Answer::Ack)) =
            (word, self.answer)
        else {
            return;
        };
        // A smaller number is of a load before this.
        let Some(place) = number.checked_sub(self.first) else { return };
        let Some(said) = usize::try_from(place).ok().and_then(|place| self.said.get_mut(place)) else {
            return;
        };
        self.latency.record(at.saturating_duration_since(said.at));
        said.left = said.left.saturating_sub(1);
        if said.left == 0 {
            self.under_way = self.under_way.saturating_sub(1);
            if matches!(self.load, Load::Loop(_)) {
                self.due.push(said.talker);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(word: Word) -> Heard {
        Heard { word, at: Instant::now() }
    }

    /// As if it had just been said.
    fn say(talk: &mut Talk) {
        let left = if let Answer::Deliveries(readers) = talk.answer { readers } else { 1 };
        for talker in talk.due.drain(..) {
            talk.said.push(Said { at: Instant::now(), talker, left });
            talk.under_way += 1;
        }
    }

    #[test]
    fn in_a_loop_the_next_is_said_when_one_has_reached_everybody() {
        let mut talk = Talk::new(2, Answer::Deliveries(2), Load::Loop(1), 10);
        say(&mut talk);
        talk.count(heard(Word::Message(11)));
        talk.count(heard(Word::Message(10)));
        assert!(talk.due.is_empty());
        talk.count(heard(Word::Message(11)));
        assert_eq!((talk.due.as_slice(), talk.under_way, talk.latency.total()), ([1].as_slice(), 1, 3));
    }

    #[test]
    fn what_was_not_asked_for_is_not_counted() {
        let mut talk = Talk::new(1, Answer::Ack, Load::Loop(1), 10);
        say(&mut talk);
        for word in [Word::Message(10), Word::Ack(9), Word::Ack(11), Word::Joined] {
            talk.count(heard(word));
        }
        assert_eq!((talk.latency.total(), talk.under_way), (0, 1));
        talk.count(heard(Word::Ack(10)));
        assert_eq!((talk.latency.total(), talk.under_way), (1, 0));
    }

    #[test]
    fn at_a_rate_they_talk_in_turn_whatever_is_answered() {
        let mut talk = Talk::new(3, Answer::Ack, Load::Rate(1000), 0);
        let began = talk.tick.0;
        talk.keep_time(began + Duration::from_millis(4));
        assert_eq!(talk.due, [0, 1, 2, 0, 1]);
    }
}
