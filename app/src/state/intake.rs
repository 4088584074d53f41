//! How much comes in from one frame of the screen to the next, where there is more than a frame has time for: as much as leaves the
//! page smooth, which is another amount on every machine and found out by trying.

use std::{collections::VecDeque, mem};

use protocol::session::Millis;

/// What a frame has time for at first, counted in new rows of the log; and the least and the most that comes of it.
const ROWS_FIRST: usize = 8;
const ROWS_MIN: usize = 4;
const ROWS_MAX: usize = 16;
/// So many lines take as long as a row that they make known: to read, to apply, and to take an older row away for.
const LINES_PER_ROW: usize = 6;
/// A frame takes in at least one of so many lines that wait, so that they do not become more and more where they come faster.
const WAITING_PARTS: usize = 12;
/// For so many frames, where more lines wait than one takes in, nothing is shown: rows of messages that are past before they can be
/// read would take the time.
const HELD_MAX_FRAMES: u32 = 8;
/// Most lines that wait. Where more come, all are taken in at once.
const WAITING_MAX_LINES: usize = 10_000;
/// After so long, in milliseconds, a frame comes too late: more than two of a screen that shows sixty in a second.
const LATE_MS: Millis = 42;
/// Up to here, in milliseconds, there was time for more.
const EARLY_MS: Millis = 28;

/// Lines of the socket, each a frame of the protocol, on their way in. A line is an `L`: the browser's own text, for the WebAssembly's
/// memory never shrinks.
#[derive(Debug)]
pub(crate) struct Intake<L> {
    waiting: VecDeque<L>,
    /// How many were taken in since the last frame.
    taken: usize,
    /// What a frame has time for, in rows.
    rows: usize,
    /// For how many frames nothing was shown.
    held: u32,
    /// Whether somebody waits for the next.
    is_hurried: bool,
    /// When the last frame was, if it left something to the next.
    left_at: Option<Millis>,
}

impl<L> Intake<L> {
    pub(crate) fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            taken: 0,
            rows: ROWS_FIRST,
            held: 0,
            is_hurried: false,
            left_at: None,
        }
    }

    /// A line has come. It comes back where there is time for it at once; else it waits.
    pub(crate) fn come(&mut self, line: L, is_in_sight: bool) -> Option<L> {
        if self.waiting.is_empty() && (self.taken < self.lines() || !is_in_sight) {
            self.taken += 1;
            return Some(line);
        }
        self.waiting.push_back(line);
        None
    }

    /// The next line that waits.
    pub(crate) fn next(&mut self) -> Option<L> {
        let line = self.waiting.pop_front()?;
        self.taken += 1;
        Some(line)
    }

    /// Whether more wait than may.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() > WAITING_MAX_LINES
    }

    /// What waits is not taken in any more. What a frame has time for is still known.
    pub(crate) fn clear(&mut self) {
        *self = Self { rows: self.rows, ..Self::new() };
    }

    /// The reader does something: the next frame is to show it.
    pub(crate) fn hurry(&mut self) {
        self.is_hurried = true;
    }

    /// A frame is made: answers how many lines are to be taken in for it. Out of sight there are no frames, and there is time for all.
    pub(crate) fn begin_frame(&mut self, now: Millis, is_in_sight: bool) -> usize {
        if !is_in_sight {
            self.left_at = None;
            return usize::MAX;
        }
        if let Some(left_at) = self.left_at.take() {
            let took = now.saturating_sub(left_at);
            if took >= LATE_MS {
                self.rows = (self.rows / 2).max(ROWS_MIN);
            } else if took <= EARLY_MS {
                self.rows = (self.rows + self.rows / 4).min(ROWS_MAX);
            }
        }
        let most = if self.waiting.len() > self.lines() { self.rows * LINES_PER_ROW } else { self.lines() };
        most.saturating_sub(self.taken).max(self.waiting.len().div_ceil(WAITING_PARTS))
    }

    /// The lines of the frame are taken in: answers for how many new rows it has time as well; `None` where it is to show nothing.
    pub(crate) fn rows(&mut self, is_in_sight: bool) -> Option<usize> {
        let lines = mem::take(&mut self.taken);
        let is_hurried = mem::take(&mut self.is_hurried);
        if !is_in_sight {
            self.held = 0;
            return Some(usize::MAX);
        }
        let is_flooded = self.waiting.len() > self.lines() || (self.held > 0 && lines > self.lines() / 2);
        if is_flooded && !is_hurried && self.held < HELD_MAX_FRAMES {
            self.held += 1;
            return None;
        }
        let held = mem::take(&mut self.held);
        // After a while many old rows go at once, which takes its time as well.
        let most = if held > 0 { self.rows / 2 } else { self.rows };
        Some(most.saturating_sub(lines / LINES_PER_ROW).max(self.rows / 4))
    }

    /// The frame is made and leaves something to the next, which will tell how long it took. Answers whether it does so:
    /// rows, or lines that wait.
    pub(crate) fn end_frame(&mut self, leaves_rows: bool, now: Millis) -> bool {
        let leaves = leaves_rows || !self.waiting.is_empty();
        self.left_at = leaves.then_some(now);
        leaves
    }

    /// How many lines a frame has time for beside a quarter of its rows.
    fn lines(&self) -> usize {
        (self.rows - self.rows / 4) * LINES_PER_ROW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a frame at `now`; answers how many lines and how many rows came in with it.
    fn frame<L>(intake: &mut Intake<L>, now: Millis, rows_wait: usize) -> (usize, usize) {
        let most = intake.begin_frame(now, true);
        let lines = (0..most).map_while(|_| intake.next()).count();
        let rows = intake.rows(true).unwrap_or_default().min(rows_wait);
        intake.end_frame(rows < rows_wait, now);
        (lines, rows)
    }

    fn filled(lines: usize) -> Intake<&'static str> {
        let mut intake = Intake::new();
        for _ in 0..lines {
            intake.come("a line", true);
        }
        intake
    }

    #[test]
    fn what_comes_alone_is_taken_in_at_once() {
        let mut intake = Intake::new();
        for n in 0..100 {
            assert_eq!(intake.come("a line", true), Some("a line"));
            assert_eq!(frame(&mut intake, n * 16, 1), (0, 1));
        }
        assert_eq!(intake.rows, ROWS_FIRST, "nothing was learnt from it");
    }

    #[test]
    fn lines_keep_their_order_and_none_is_lost() {
        let mut intake = Intake::new();
        let mut got: Vec<usize> = Vec::new();
        for n in 0..1_000_usize {
            got.extend(intake.come(n.to_string(), true).map(|line| line.parse::<usize>().unwrap()));
        }
        assert!(got.len() < 100);
        let mut now = 0;
        while got.len() < 1_000 {
            now += 16;
            let most = intake.begin_frame(now, true);
            assert!(most > 0);
            got.extend((0..most).map_while(|_| intake.next()).map(|line| line.parse::<usize>().unwrap()));
            intake.rows(true);
            intake.end_frame(false, now);
        }
        assert!(got.iter().copied().eq(0..1_000));
    }

    #[test]
    fn a_frame_that_comes_late_halves_what_the_next_has_time_for() {
        let mut intake = filled(0);
        let mut now = 0;
        let mut rows = Vec::new();
        for _ in 0..4 {
            frame(&mut intake, now, 1_000);
            now += LATE_MS;
            rows.push(intake.rows);
        }
        assert_eq!(rows, [8, 4, 4, 4]);
    }

    #[test]
    fn frames_in_time_make_it_more_up_to_a_bound() {
        let mut intake = filled(0);
        for n in 0..20 {
            frame(&mut intake, n * 16, 1_000);
        }
        assert_eq!(intake.rows, ROWS_MAX);
        frame(&mut intake, 19 * 16 + 35, 1_000);
        assert_eq!(intake.rows, ROWS_MAX, "a frame that is neither early nor late changes nothing");
    }

    #[test]
    fn a_pause_is_no_late_frame() {
        let mut intake = filled(0);
        frame(&mut intake, 0, 3);
        frame(&mut intake, 60_000, 3);
        assert_eq!(intake.rows, ROWS_FIRST);
    }

    #[test]
    fn lines_leave_time_for_some_rows_and_rows_have_what_lines_leave() {
        let mut intake = filled(60);
        assert_eq!(frame(&mut intake, 0, 1_000), (2, 2), "beside 36 lines that were taken in at once");
        let mut calm = filled(6);
        assert_eq!(frame(&mut calm, 0, 1_000), (0, 7));
        assert_eq!(frame(&mut calm, 35, 1_000), (0, 8));
    }

    #[test]
    fn where_many_lines_wait_they_are_taken_in_before_anything_is_shown() {
        let mut intake = filled(600);
        let frames: Vec<_> = (0..12).map(|n| frame(&mut intake, n * 16, 1_000)).collect();
        let shown = frames.iter().position(|(_, rows)| *rows > 0).unwrap();
        assert!(shown > 2, "frames that do nothing else are quick");
        assert!(frames[shown].1 <= ROWS_MAX / 2, "old rows go with it");
        assert_eq!(frames[shown + 1].1, ROWS_MAX, "and then there is time for all");
        assert_eq!(frames[..=shown].iter().map(|(lines, _)| lines).sum::<usize>(), 600 - 36);
    }

    #[test]
    fn what_the_reader_does_is_shown_with_the_next_frame() {
        let mut intake = filled(1_000);
        assert_eq!(frame(&mut intake, 0, 1_000).1, 0);
        intake.hurry();
        assert!(frame(&mut intake, 16, 1_000).1 > 0);
        assert_eq!(frame(&mut intake, 32, 1_000).1, 0);
    }

    #[test]
    fn where_they_never_end_something_is_shown_all_the_same() {
        let mut intake = Intake::new();
        let mut shown = Vec::new();
        for n in 0..50 {
            (0..200).for_each(|_| _ = intake.come("one more", true));
            if frame(&mut intake, n * 16, 1_000).1 > 0 {
                shown.push(n);
            }
        }
        assert_eq!(shown, [8, 17, 26, 35, 44]);
    }

    #[test]
    fn however_many_wait_they_become_fewer() {
        let mut intake = filled(9_000);
        assert!(frame(&mut intake, 0, 0).0 >= (9_000 - 36) / WAITING_PARTS);
        assert!(!intake.is_full());
        (0..5_000).for_each(|_| _ = intake.come("one more", true));
        assert!(intake.is_full());
    }

    #[test]
    fn what_a_socket_said_last_goes_with_it() {
        let mut intake = filled(1_000);
        intake.clear();
        assert_eq!(intake.next(), None);
        assert!(!intake.end_frame(false, 0));
    }

    #[test]
    fn out_of_sight_nothing_waits() {
        let mut intake = Intake::new();
        assert!((0..1_000).all(|_| intake.come("a line", false).is_some()));
        let mut hidden = filled(1_000);
        frame(&mut hidden, 0, 1_000);
        let most = hidden.begin_frame(1_000, false);
        assert_eq!(
            (0..most).map_while(|_| hidden.next()).count(),
            1_000 - 36 - 964_usize.div_ceil(WAITING_PARTS)
        );
        assert_eq!(hidden.rows(false), Some(usize::MAX));
        hidden.end_frame(false, 1_000);
        assert_eq!(hidden.rows, ROWS_FIRST, "nothing is learnt where there are no frames");
    }
}
