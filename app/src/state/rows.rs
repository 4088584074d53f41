//! Messages to rows: where a day begins, where the news begins, who goes on talking. Pure.

use std::{collections::HashMap, sync::Arc};

use protocol::{ErrorCode, Message, OpId, Seq, Timestamp, UserId};

use super::zone::{Local, Zone};

/// How long a pause may be, in milliseconds, after which an author's next message still continues their group.
const GROUP_PAUSE_MAX_MS: u64 = 5 * 60 * 1_000;

/// What a row is, for the list's `key`. A message keeps its key from "sending" to "sent", and so its element stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowKey {
    /// Above the first message of a day, counted in days since 1970-01-01 of the reader's zone.
    Day(i64),
    /// Above the first message that was new when the room was opened.
    New,
    /// A message: its author and the id that their client gave it.
    Message(UserId, OpId),
}

/// What a row shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A day begins; any moment of it.
    Day {
        /// When its first message was sent.
        timestamp: Timestamp,
    },
    /// The news begins.
    New,
    /// A message.
    Message(MessageRow),
}

/// A message as it is to be shown.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each shown by itself")]
pub struct MessageRow {
    /// The message, with this user's own unanswered edits and reactions already in it. Its `seq` is [`Seq::ZERO`] while
    /// it has no place in the log: such a message cannot be answered, edited or linked to.
    pub message: Arc<Message>,
    /// Whether it is the first of its group: with the author's picture, name and the time.
    pub head: bool,
    /// Whether it is this user's.
    pub mine: bool,
    /// Whether it mentions this user.
    pub mentions_me: bool,
    /// How far it, or a change of it, has come.
    pub delivery: Delivery,
    /// Whether the address points at it.
    pub target: bool,
    /// When it was said, on the reader's clock.
    pub local: Local,
}

impl MessageRow {
    /// Whether something can be done with it: it has its place in the log and is not deleted, though words for it may be in sight.
    pub(crate) fn is_actionable(&self) -> bool {
        let is_gone = matches!(
            self.delivery,
            Delivery::Failed(Failure { cause: Cause::Refused(ErrorCode::TargetNotFound), .. })
        );
        self.message.seq > Seq::ZERO && self.message.content.is_some() && !is_gone
    }
}

impl PartialEq for MessageRow {
    fn eq(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.message, &other.message) || self.message == other.message)
            && self.head == other.head
            && self.mine == other.mine
            && self.mentions_me == other.mentions_me
            && self.delivery == other.delivery
            && self.target == other.target
            && self.local == other.local
    }
}

impl Eq for MessageRow {}

/// How far an operation of this user has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Delivery {
    /// In the log, or never this user's to send.
    #[default]
    Sent,
    /// On its way.
    Sending,
    /// Kept until there is a connection.
    Waiting,
    /// Failed for good; somebody has to do something about it.
    Failed(Failure),
}

/// An operation that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// What `retry` and `discard` take.
    pub id: OpId,
    /// Why it failed.
    pub cause: Cause,
}

/// Why an operation failed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The server refused it.
    Refused(ErrorCode),
    /// Too many others are not sent yet.
    OutboxFull,
    /// The browser has no space left to keep it in, so it would be lost with the tab.
    StorageFull,
}

/// A message and what is known of it beyond the log.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) message: Arc<Message>,
    pub(crate) mentions_me: bool,
    pub(crate) delivery: Delivery,
}

/// Whose eyes the rows are for.
pub(crate) struct Reader<'a> {
    pub(crate) me: UserId,
    pub(crate) zone: &'a Zone,
    /// Messages of others after this one are new; `None` for no divider.
    pub(crate) new_after: Option<Seq>,
    pub(crate) target: Option<Seq>,
}

/// How many rows at the end are shown at once where what was shown is past: about as many as are in view.
#[cfg(any(feature = "hydrate", test))]
const TAIL_ROWS: usize = 16;
/// How many rows may be missing at the end before the reader is better off with the newest.
#[cfg(any(feature = "hydrate", test))]
const LATE_MAX_ROWS: usize = 48;

/// What there is time to show of a log that has grown.
#[cfg(any(feature = "hydrate", test))]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portion {
    /// New rows that there is time to make.
    pub(crate) most: usize,
    /// Whether rows that are shown may go for a while: their reader looks at the end and is at work on none of them.
    pub(crate) may_skip: bool,
    /// Whether rows above were left out the last time.
    pub(crate) is_filling: bool,
}

/// Where rows are left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) above: bool,
    pub(crate) below: bool,
}

impl Left {
    pub(crate) fn is_any(self) -> bool {
        self.above || self.below
    }
}

/// The rows of the log, in order and by key.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Log {
    keys: Vec<RowKey>,
    rows: HashMap<RowKey, Row>,
}

impl Log {
    pub(crate) fn keys(&self) -> &[RowKey] {
        &self.keys
    }

    pub(crate) fn row(&self, key: &RowKey) -> Option<&Row> {
        self.rows.get(key)
    }

    /// Leaves out what there is no time for beside what is `shown`: of the new rows at the end all but the first, or, where those are too
    /// many, all but the last and whatever stands above them, which comes in later. What is left is one piece of the log.
    #[cfg(any(feature = "hydrate", test))]
    pub(crate) fn keep_portion(&mut self, shown: &Self, portion: Portion) -> Left {
        let Portion { most, may_skip, is_filling } = portion;
        let all = self.keys.len();
        let has_place = |key: &RowKey| matches!(self.rows.get(key), Some(Row::Message(row)) if row.message.seq > Seq::ZERO);
        let is_kept = |key: &RowKey| has_place(key) && shown.rows.contains_key(key);
        let first = self.keys.iter().position(is_kept).unwrap_or(all);
        let last = self.keys.iter().rposition(is_kept).map_or(all, |last| last + 1);
        // What the reader says themselves stands last until it has a place, and others come in above it.
        let own = self.keys.iter().rev().take_while(|key| !has_place(key)).count();
        let (kept, late) = (last - first, (all - last).saturating_sub(own));
        let at_once = if own > 0 { most.max(TAIL_ROWS) } else { most };
        let is_too_late =
            late > at_once && (own > 0 || late > LATE_MAX_ROWS || kept.saturating_add(most) < TAIL_ROWS);
        let (mut start, mut end) = if kept == 0 || (may_skip && is_too_late) {
            (all.saturating_sub(most.max(TAIL_ROWS).saturating_add(own)), all)
        } else {
            let end = if late <= at_once { all } else { all.min(last.saturating_add(most).max(TAIL_ROWS)) };
            let spare = most.saturating_sub(end - last);
            let start = first.saturating_sub(spare).min(end.saturating_sub(TAIL_ROWS));
            (if is_filling { start } else { 0 }, end)
        };
        // No divider at an edge without its message: from there it would not go on.
        let is_divider = |at: usize| !matches!(self.keys[at], RowKey::Message(..));
        while start > 0 && start < all && is_divider(start) {
            start -= 1;
        }
        while end > 0 && end < all && is_divider(end - 1) {
            end += 1;
        }
        let later = self.keys.split_off(end);
        let above: Vec<RowKey> = self.keys.drain(..start).collect();
        for key in above.iter().chain(&later) {
            self.rows.remove(key);
        }
        Left { above: !above.is_empty(), below: !later.is_empty() }
    }

    /// Adds a row; a key that is there already is not added twice, for a list with two equal keys loses one.
    fn push(&mut self, key: RowKey, row: Row) {
        if !self.rows.contains_key(&key) {
            self.keys.push(key);
            self.rows.insert(key, row);
        }
    }
}

/// The rows of `entries`, which come oldest first, those without a place in the log last.
pub(crate) fn lay_out(entries: impl IntoIterator<Item = Entry>, reader: &Reader<'_>) -> Log {
    let mut log = Log::default();
    let mut day = None;
    let mut new_shown = false;
    let mut previous: Option<Arc<Message>> = None;
    for Entry { message, mentions_me, delivery } in entries {
        let mine = message.user_id == reader.me;
        let mut divided = false;
        // Later days only: a server's clock that was set back opens no second row of the same day.
        let local = reader.zone.local(message.timestamp);
        let today = local.day;
        if day.is_none_or(|day| today > day) {
            day = Some(today);
            divided = true;
            log.push(RowKey::Day(today), Row::Day { timestamp: message.timestamp });
        }
        let is_new = !mine && reader.new_after.is_some_and(|read| message.seq > read);
        if is_new && !new_shown {
            new_shown = true;
            divided = true;
            log.push(RowKey::New, Row::New);
        }
        let head = divided || !previous.is_some_and(|previous| continues(&previous, &message));
        let row = MessageRow {
            head,
            mine,
            mentions_me,
            delivery,
            target: message.seq > Seq::ZERO && reader.target == Some(message.seq),
            local,
            message: Arc::clone(&message),
        };
        log.push(RowKey::Message(message.user_id, message.id), Row::Message(row));
        previous = Some(message);
    }
    log
}

/// Whether `next` belongs to the group that `previous` is in.
fn continues(previous: &Message, next: &Message) -> bool {
    previous.user_id == next.user_id
        && next.reply_to.is_none()
        && previous.timestamp.unix_ms().abs_diff(next.timestamp.unix_ms()) <= GROUP_PAUSE_MAX_MS
}

#[cfg(test)]
mod tests {
    use protocol::Username;

    use super::*;

    const HOUR_MS: u64 = 60 * 60 * 1_000;

    fn entry(seq: u64, author: u128, at_ms: u64, reply_to: Option<u64>) -> Entry {
        let seq = Seq::new(seq).expect("a position");
        let username: Username = "Ann".parse().expect("a name");
        let message = Message {
            seq,
            version: seq,
            id: OpId(uuid::Uuid::from_u128(seq.get().into())),
            user_id: UserId(uuid::Uuid::from_u128(author)),
            username,
            content: "x".parse().ok(),
            timestamp: Timestamp::from_unix_ms(at_ms),
            edited_at: None,
            reply_to: reply_to.and_then(Seq::new),
            quote: None,
            reactions: Vec::new(),
        };
        Entry { message: Arc::new(message), mentions_me: false, delivery: Delivery::Sent }
    }

    /// Rows in letters: `D` a day, `N` the news, `H` a group's first message, `m` a further one.
    #[track_caller]
    fn check(entries: &[Entry], zone: &Zone, new_after: Option<u64>, expected: &str) {
        let me = UserId(uuid::Uuid::from_u128(1));
        let reader = Reader { me, zone, new_after: new_after.and_then(Seq::new), target: None };
        let log = lay_out(entries.iter().cloned(), &reader);
        let letter = |key| match log.row(key) {
            Some(Row::Day { .. }) => 'D',
            Some(Row::New) => 'N',
            Some(Row::Message(row)) if row.head => 'H',
            Some(Row::Message(_)) => 'm',
            None => '?',
        };
        assert_eq!(log.keys().iter().map(letter).collect::<String>(), expected);
    }

    #[test]
    fn one_who_goes_on_talking_makes_one_group() {
        let minute = 60_000;
        let one = |n: u64, at| entry(n, 2, at, None);
        check(&[one(1, 0), one(2, minute), one(3, 6 * minute)], &Zone::Utc, None, "DHmm");
        check(&[one(1, 0), one(2, 5 * minute + 1)], &Zone::Utc, None, "DHH");
        check(&[one(1, 0), entry(2, 3, 0, None), one(3, 0)], &Zone::Utc, None, "DHHH");
        check(&[one(1, 0), entry(2, 2, 0, Some(1)), one(3, 0)], &Zone::Utc, None, "DHHm");
    }

    #[test]
    fn days_are_those_of_the_reader() {
        let entries = [
            entry(1, 2, 22 * HOUR_MS, None),
            entry(2, 2, 22 * HOUR_MS + 1, None),
            entry(3, 2, 25 * HOUR_MS, None),
        ];
        check(&entries, &Zone::Utc, None, "DHmDH");
        check(&entries, &Zone::named(Some("Asia/Shanghai".into())), None, "DHmH");
        check(&entries, &Zone::named(Some("no/such".into())), None, "DHmDH");
    }

    #[test]
    fn a_clock_that_was_set_back_opens_no_day_twice() {
        check(
            &[entry(1, 2, 30 * HOUR_MS, None), entry(2, 2, HOUR_MS, None), entry(3, 2, 31 * HOUR_MS, None)],
            &Zone::Utc,
            None,
            "DHHH",
        );
    }

    #[test]
    fn the_news_begin_at_the_first_message_of_others() {
        let entries =
            [entry(1, 2, 0, None), entry(2, 1, 0, None), entry(3, 2, 0, None), entry(4, 2, 0, None)];
        check(&entries, &Zone::Utc, Some(1), "DHHNHm");
        check(&entries, &Zone::Utc, Some(0), "DNHHHm");
        check(&entries, &Zone::Utc, Some(4), "DHHHm");
        check(&entries, &Zone::Utc, None, "DHHHm");
    }

    fn laid_out(seqs: std::ops::RangeInclusive<u64>) -> Log {
        let reader =
            Reader { me: UserId(uuid::Uuid::nil()), zone: &Zone::Utc, new_after: None, target: None };
        lay_out(seqs.map(|seq| entry(seq, 2, 0, None)), &reader)
    }

    #[test]
    fn new_rows_come_so_many_at_a_time() {
        for (shown, all, expected, left) in [
            (3..=30, 3..=32, 3..=32, false),
            (3..=30, 3..=33, 3..=32, true),
            (3..=30, 5..=34, 5..=32, true),
            // What comes in above is one page, and not for later.
            (26..=37, 1..=38, 1..=38, false),
            (1..=2, 1..=2, 1..=2, false),
        ] {
            let mut log = laid_out(all);
            let portion = Portion { most: 2, may_skip: false, is_filling: false };
            assert_eq!(log.keep_portion(&laid_out(shown), portion), Left { above: false, below: left });
            assert_eq!(log, laid_out(expected));
        }
    }

    #[test]
    fn where_there_is_time_for_all_all_is_shown() {
        for may_skip in [false, true] {
            for shown in [Log::default(), laid_out(1..=200), laid_out(150..=160)] {
                let mut log = laid_out(1..=400);
                let portion = Portion { most: usize::MAX, may_skip, is_filling: true };
                assert_eq!(log.keep_portion(&shown, portion), Left::default());
                assert_eq!(log, laid_out(1..=400));
            }
        }
    }

    #[test]
    fn whoever_is_too_late_sees_the_newest_first_and_then_what_is_above() {
        let portion = |is_filling| Portion { most: 10, may_skip: true, is_filling };
        let seqs = |log: &Log| {
            let seq = |key: &RowKey| match log.row(key) {
                Some(Row::Message(row)) => Some(row.message.seq.get()),
                _ => None,
            };
            (log.keys().iter().find_map(seq).unwrap(), log.keys().iter().rev().find_map(seq).unwrap())
        };
        // What was shown is past, or as good as, or so far from the end that its reader would wait.
        for shown in [laid_out(1..=200), laid_out(196..=203), laid_out(150..=250)] {
            let mut log = laid_out(201..=400);
            assert_eq!(log.keep_portion(&shown, portion(false)), Left { above: true, below: false });
            assert_eq!(seqs(&log), (385, 400));
            // Some more come meanwhile.
            let mut next = laid_out(204..=403);
            assert_eq!(next.keep_portion(&log, portion(true)), Left { above: true, below: false });
            assert_eq!(seqs(&next), (378, 403));
        }
        let mut shown = laid_out(385..=400);
        let mut frames = 0;
        loop {
            let mut log = laid_out(201..=400);
            let left = log.keep_portion(&shown, portion(true));
            shown = log;
            frames += 1;
            if left == Left::default() {
                break;
            }
        }
        assert_eq!(shown, laid_out(201..=400));
        assert!(frames < 25);
        // Their own message, not stored yet, stands last all the while.
        let with_own = |seqs| {
            let mut log = laid_out(seqs);
            let Row::Message(mut own) = log.rows[&log.keys[1]].clone() else { unreachable!() };
            own.message = Arc::new(Message { seq: Seq::ZERO, ..Message::clone(&own.message) });
            log.push(RowKey::Message(UserId(uuid::Uuid::nil()), OpId(uuid::Uuid::nil())), Row::Message(own));
            log
        };
        for (shown, rows) in [
            (101..=200, TAIL_ROWS + 1),
            (200..=380, TAIL_ROWS + 1),
            (300..=390, 200 + 2),
            (201..=399, 200 + 2),
        ] {
            let mut log = with_own(201..=400);
            log.keep_portion(&with_own(shown), portion(false));
            assert_eq!((log.keys().len(), log.keys().last()), (rows, with_own(1..=1).keys().last()));
        }
        // However little is left of what was shown, a view is full.
        for is_filling in [false, true] {
            for (shown, may_skip) in [(laid_out(395..=396), true), (laid_out(201..=202), false)] {
                let mut log = laid_out(201..=400);
                log.keep_portion(&shown, Portion { most: 4, may_skip, is_filling });
                assert!(log.keys().len() >= TAIL_ROWS);
            }
        }
        // Who is at work on a message, or reads elsewhere, keeps what they have.
        let mut log = laid_out(201..=400);
        let stays = Portion { may_skip: false, ..portion(false) };
        assert_eq!(log.keep_portion(&laid_out(150..=250), stays), Left { above: false, below: true });
        assert_eq!(seqs(&log), (201, 260));
    }

    #[test]
    fn an_echo_whose_event_is_here_shows_once() {
        check(&[entry(1, 2, 0, None), entry(1, 2, 0, None)], &Zone::Utc, None, "DH");
    }
}
