//! The oracle: what must hold after any fault. One function for every run.

use std::collections::{BTreeMap, HashMap, HashSet};

use client::protocol::{Event, EventKind, Message, OpId, OpKind, Seq, Timestamp, UserId, timeline::Page};

/// What a server promised a writer: this operation is on disk, at this place.
#[derive(Debug, Clone)]
pub(crate) struct Acknowledged {
    /// Who asked.
    pub(crate) author: UserId,
    /// By which id.
    pub(crate) id: OpId,
    /// For what.
    pub(crate) kind: OpKind,
    /// At which place.
    pub(crate) seq: Seq,
    /// When.
    pub(crate) timestamp: Timestamp,
}

/// What one reader of a room was given, in the order in which it came.
#[derive(Debug, Default)]
pub(crate) struct ReaderLog {
    /// Who read, for the report.
    pub(crate) name: String,
    /// The events.
    pub(crate) events: Vec<Event>,
}

/// All that a run knows of one room when it is over.
#[derive(Debug)]
pub(crate) struct Evidence {
    /// Every acknowledgement that any writer was given. Whoever was given one was given an answer to everything.
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// The room's log from its first event, read anew after the run.
    pub(crate) log: Vec<Event>,
    /// What readers were given while it ran; each began at the first event.
    pub(crate) readers: Vec<ReaderLog>,
    /// Pages that were read anew after the run; together the whole room.
    pub(crate) pages: Vec<Page>,
}

/// Every broken promise, in words; empty if none is.
pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    without_hole(&evidence.log, "the log", &mut broken);
    acknowledged_is_stored(evidence, &mut broken);
    stored_is_acknowledged(evidence, &mut broken);
    said_once(&evidence.log, &mut broken);
    for reader in &evidence.readers {
        reads_the_log(reader, &evidence.log, &mut broken);
    }
    folds_to_the_pages(evidence, &mut broken);
    broken
}

fn without_hole(log: &[Event], whose: &str, broken: &mut Vec<String>) {
    for (event, expected) in log.iter().zip(1..) {
        if event.seq.get() != expected {
            broken.push(format!("{whose}: event {} stands where {expected} belongs", event.seq));
            return;
        }
    }
}

fn acknowledged_is_stored(evidence: &Evidence, broken: &mut Vec<String>) {
    let log: HashMap<Seq, &Event> = evidence.log.iter().map(|event| (event.seq, event)).collect();
    let mut places: HashMap<(UserId, OpId), Seq> = HashMap::new();
    for ack in &evidence.acknowledged {
        if *places.entry((ack.author, ack.id)).or_insert(ack.seq) != ack.seq {
            broken.push(format!("operation {} was acknowledged at two places", ack.id));
        }
        match log.get(&ack.seq) {
            None => broken.push(format!("{} was acknowledged at {} and is lost", ack.id, ack.seq)),
            Some(event) if event.user_id != ack.author || event.timestamp != ack.timestamp => {
                broken
                    .push(format!("{} was acknowledged at {}, where something else stands", ack.id, ack.seq));
            }
            Some(Event { kind: EventKind::Message { id, .. }, .. }) if *id != ack.id => {
                broken.push(format!("{} was acknowledged at {}, where message {id} stands", ack.id, ack.seq));
            }
            Some(event) if !is_what_was_asked(&event.kind, &ack.kind) => {
                broken.push(format!("{} stands at {} otherwise than it was asked for", ack.id, ack.seq));
            }
            Some(_) => {}
        }
    }
}

/// Whether an event is what an operation asks for, but for words that were deleted since.
fn is_what_was_asked(stored: &EventKind, asked: &OpKind) -> bool {
    match (stored, asked) {
        (
            EventKind::Message { content, reply_to, .. },
            OpKind::Send { content: said, reply_to: answered },
        ) => content.as_ref().is_none_or(|content| content == said) && reply_to == answered,
        (EventKind::Edited { target, content }, OpKind::Edit { target: meant, content: said }) => {
            content.as_ref().is_none_or(|content| content == said) && target == meant
        }
        (EventKind::Deleted { target }, OpKind::Delete { target: meant }) => target == meant,
        (
            EventKind::Reacted { target, emoji, on },
            OpKind::React { target: meant, emoji: put, on: is_on },
        ) => (target, emoji, on) == (meant, put, is_on),
        _ => false,
    }
}

/// Nothing was done twice: of whoever was answered everything, there is no event that was not acknowledged.
fn stored_is_acknowledged(evidence: &Evidence, broken: &mut Vec<String>) {
    let places: HashSet<Seq> = evidence.acknowledged.iter().map(|ack| ack.seq).collect();
    let writers: HashSet<UserId> = evidence.acknowledged.iter().map(|ack| ack.author).collect();
    for event in &evidence.log {
        if writers.contains(&event.user_id) && !places.contains(&event.seq) {
            broken.push(format!("event {} was never acknowledged to who is said to have asked", event.seq));
        }
    }
}

fn said_once(log: &[Event], broken: &mut Vec<String>) {
    let mut places = HashMap::new();
    for event in log {
        if let EventKind::Message { id, .. } = &event.kind
            && let Some(first) = places.insert((event.user_id, *id), event.seq)
        {
            broken.push(format!("message {id} stands twice, at {first} and at {}", event.seq));
        }
    }
}

/// A reader's log is the room's log, but that words which were deleted later were still there when it read them.
fn reads_the_log(reader: &ReaderLog, log: &[Event], broken: &mut Vec<String>) {
    without_hole(&reader.events, &reader.name, broken);
    if reader.events.len() != log.len() {
        broken.push(format!("{} was given {} of {} events", reader.name, reader.events.len(), log.len()));
    }
    for (given, stored) in reader.events.iter().zip(log) {
        if !same_event(given, stored) {
            broken
                .push(format!("{} was given another event at {} than the log has", reader.name, stored.seq));
            return;
        }
    }
}

/// Whether what a reader was given is what is stored, but for words that were deleted since.
pub(crate) fn same_event(given: &Event, stored: &Event) -> bool {
    let mut given = given.clone();
    match (&mut given.kind, &stored.kind) {
        (
            EventKind::Message { content, quote, .. },
            EventKind::Message { content: stored_content, quote: stored_quote, .. },
        ) => {
            if stored_content.is_none() {
                *content = None;
            }
            // The quoted words are those of the moment in which the event was read.
            quote.clone_from(stored_quote);
        }
        (EventKind::Edited { content, .. }, EventKind::Edited { content: None, .. }) => *content = None,
        _ => {}
    }
    given == *stored
}

fn folds_to_the_pages(evidence: &Evidence, broken: &mut Vec<String>) {
    let mut folded: BTreeMap<Seq, Message> = BTreeMap::new();
    for event in &evidence.log {
        match event.kind.target() {
            None => folded.extend(Message::posted(event).map(|message| (message.seq, message))),
            Some(target) => {
                if let Some(message) = folded.get_mut(&target) {
                    message.apply(event);
                }
            }
        }
    }
    let fetched: Vec<&Message> = evidence.pages.iter().flat_map(|page| &page.messages).collect();
    if fetched.len() != folded.len() {
        broken.push(format!("{} messages were fetched, the log folds to {}", fetched.len(), folded.len()));
    }
    for (fetched, folded) in fetched.into_iter().zip(folded.values()) {
        // What a message quotes is checked by the store's own suite.
        let fetched = Message { quote: None, ..fetched.clone() };
        let folded = Message { quote: None, ..folded.clone() };
        if fetched != folded {
            broken.push(format!("message {} was fetched otherwise than the log folds", folded.seq));
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use client::protocol::{Content, Emoji, RoomSlug, Username};

    use super::*;

    fn id(n: u128) -> OpId {
        OpId(uuid::Uuid::from_u128(n))
    }

    fn event(seq: u64) -> Event {
        let content: Content = format!("message {seq}").parse().unwrap();
        Event {
            room: "general".parse::<RoomSlug>().unwrap(),
            seq: Seq::new(seq).unwrap(),
            user_id: UserId(uuid::Uuid::from_u128(7)),
            username: "writer".parse::<Username>().unwrap(),
            timestamp: Timestamp::from_unix_ms(seq),
            kind: EventKind::Message {
                id: id(seq.into()),
                content: Some(content),
                reply_to: None,
                quote: None,
            },
        }
    }

    fn asked(event: &Event) -> OpKind {
        let EventKind::Message { content: Some(content), reply_to, .. } = &event.kind else { unreachable!() };
        OpKind::Send { content: content.clone(), reply_to: *reply_to }
    }

    /// Three messages, acknowledged, followed by one reader, and fetched.
    fn sound() -> Evidence {
        let log: Vec<Event> = (1..=3).map(event).collect();
        let acknowledge = |event: &Event| Acknowledged {
            author: event.user_id,
            id: id(event.seq.get().into()),
            kind: asked(event),
            seq: event.seq,
            timestamp: event.timestamp,
        };
        Evidence {
            acknowledged: log.iter().map(acknowledge).collect(),
            readers: vec![ReaderLog { name: "reader".into(), events: log.clone() }],
            pages: vec![Page {
                epoch: "e".parse().unwrap(),
                head: Seq::new(3).unwrap(),
                messages: log.iter().filter_map(Message::posted).collect(),
                has_more_before: false,
                has_more_after: false,
            }],
            log,
        }
    }

    #[track_caller]
    fn breaks(damage: impl FnOnce(&mut Evidence), promise: &str) {
        let mut evidence = sound();
        damage(&mut evidence);
        let broken = judge(&evidence).join("; ");
        assert!(broken.contains(promise), "found: {broken:?}");
    }

    fn of_page(evidence: &mut Evidence, damage: impl FnOnce(&mut Vec<Message>)) {
        let mut messages = evidence.pages[0].messages.to_vec();
        damage(&mut messages);
        evidence.pages[0].messages = messages.into();
    }

    #[test]
    fn sound_evidence_is_acquitted() {
        assert_eq!(judge(&sound()), Vec::<String>::new());
    }

    #[test]
    fn what_was_asked_is_told_from_all_else() {
        let (one, two) = (Seq::new(1).unwrap(), Seq::new(2).unwrap());
        let (tada, heart) = ("🎉".parse().unwrap(), "❤️".parse().unwrap());
        let word = |text: &str| -> Content { text.parse().unwrap() };
        let edited = |target, content| EventKind::Edited { target, content };
        let edit = |target, text| OpKind::Edit { target, content: word(text) };
        let reacted = |target, on| EventKind::Reacted { target, emoji: Emoji::clone(&tada), on };
        let react = |target, emoji: &Emoji, on| OpKind::React { target, emoji: emoji.clone(), on };
        let deleted = EventKind::Deleted { target: one };
        for (stored, asked, expected) in [
            (edited(one, Some(word("a"))), edit(one, "a"), true),
            (edited(one, None), edit(one, "a"), true),
            (edited(one, Some(word("a"))), edit(one, "b"), false),
            (edited(one, Some(word("a"))), edit(two, "a"), false),
            (reacted(one, true), react(one, &tada, true), true),
            (reacted(one, true), react(one, &tada, false), false),
            (reacted(one, true), react(one, &heart, true), false),
            (reacted(one, true), react(two, &tada, true), false),
            (deleted.clone(), OpKind::Delete { target: one }, true),
            (deleted.clone(), OpKind::Delete { target: two }, false),
            (deleted, edit(one, "a"), false),
        ] {
            assert_eq!(is_what_was_asked(&stored, &asked), expected, "{stored:?}, {asked:?}");
        }
    }

    #[test]
    fn each_broken_promise_is_found() {
        breaks(|it| drop(it.log.pop()), "is lost");
        breaks(|it| drop(it.log.remove(1)), "stands where 2 belongs");
        breaks(|it| it.acknowledged[0].seq = Seq::new(2).unwrap(), "where something else stands");
        breaks(|it| it.acknowledged[0].id = id(9), "where message");
        breaks(|it| it.acknowledged[0].kind = asked(&it.log[1]), "otherwise than it was asked for");
        breaks(|it| drop(it.acknowledged.pop()), "was never acknowledged");
        breaks(
            |it| {
                let again = Acknowledged { seq: Seq::new(2).unwrap(), ..it.acknowledged[0].clone() };
                it.acknowledged.push(again);
            },
            "at two places",
        );
        breaks(
            |it| {
                let EventKind::Message { id: twice, .. } = &mut it.log[2].kind else { unreachable!() };
                *twice = id(1);
            },
            "stands twice",
        );
        breaks(|it| drop(it.readers[0].events.pop()), "was given 2 of 3 events");
        breaks(|it| it.readers[0].events.swap(0, 1), "stands where");
        breaks(|it| it.readers[0].events[1].username = "else".parse().unwrap(), "was given another event");
        breaks(|it| of_page(it, |messages| drop(messages.pop())), "2 messages were fetched");
        breaks(|it| of_page(it, |messages| messages[0].content = None), "otherwise than the log folds");
    }
}
