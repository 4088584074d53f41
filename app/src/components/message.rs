//! One row of the log: a message, the beginning of a day, the beginning of the news.

use leptos::prelude::*;
use protocol::{Content, RoomSlug, Seq};

use super::{
    avatar::avatar,
    clock,
    desk::{permalink, use_desk},
    icon::{Icon, icon},
    log::jump_to,
    markdown::{Reader, markdown},
    reactions::reactions_view,
    reactive::{known, live, part},
    toolbar::Toolbar,
    touch::Touch,
    when::when,
};
#[cfg(feature = "ssr")]
use crate::fragments::{Fragments, Look};
use crate::{
    i18n::{Locale, failure, language, text},
    state::{Delivery, Failure, Local, MessageRow, Row, RowKey},
};

/// What a row shows of a message's content: all that makes its text be drawn anew.
#[derive(Clone, PartialEq)]
struct Body {
    content: Option<Content>,
    edited: bool,
}

/// A row. The Tab key stops at the row that `stop` names; `touch` is the finger on any of them.
pub(crate) fn log_row(key: RowKey, stop: ReadSignal<Option<RowKey>>, touch: Touch) -> AnyView {
    match key {
        RowKey::Day(_) => view! { <Day key /> }.into_any(),
        RowKey::New => {
            view! { <div class="divider new" role="separator">{text!(language(), log.new)}</div> }.into_any()
        }
        RowKey::Message(..) => message(key, stop, touch),
    }
}

/// A message, by itself: in the browser it lives.
#[cfg(not(feature = "ssr"))]
fn message(key: RowKey, stop: ReadSignal<Option<RowKey>>, touch: Touch) -> AnyView {
    view! { <MessageView key stop touch /> }.into_any()
}

/// A message as it was drawn before for somebody who saw the same.
#[cfg(feature = "ssr")]
fn message(key: RowKey, stop: ReadSignal<Option<RowKey>>, touch: Touch) -> AnyView {
    let draw = || view! { <MessageView key stop touch /> }.into_any();
    let state = use_desk().state;
    let (Some(Row::Message(row)), Some(fragments)) = (state.row(&key), use_context::<Fragments>()) else {
        return draw();
    };
    let look = Look {
        room: state.open_room().with_untracked(|open| open.room.slug.clone()),
        row,
        is_stop: stop.get_untracked() == Some(key),
        locale: language(),
    };
    fragments.message(look, state.me().id, draw)
}

/// The beginning of a day.
#[component]
fn Day(key: RowKey) -> impl IntoView {
    let locale = language();
    let state = use_desk().state;
    let name = move || match state.row(&key) {
        Some(Row::Day { timestamp }) => clock::day(locale, timestamp, clock::now(), &state.zone().read()),
        _ => String::new(),
    };
    view! { <div class="divider" role="separator">{live(name)}</div> }
}

/// A message.
#[component]
fn MessageView(
    key: RowKey,
    /// Which row the Tab key stops at.
    stop: ReadSignal<Option<RowKey>>,
    touch: Touch,
) -> impl IntoView {
    let locale = language();
    let desk = use_desk();
    let state = desk.state;
    let row = known(move |last: Option<&Option<MessageRow>>| match state.row(&key) {
        Some(Row::Message(row)) => Some(row),
        // The row is about to go; what it showed is good until then.
        _ => last.cloned().flatten(),
    });
    let Some(first) = row.get_untracked() else { return ().into_any() };
    let author = first.message.user_id;
    let name = first.message.username.to_string();
    let first_timestamp = first.message.timestamp;
    let mine = first.mine;
    let me = state.me().username;

    let head = part(row, |row| row.as_ref().is_some_and(|row| row.head));
    let seq = part(row, |row| row.as_ref().map_or(Seq::ZERO, |row| row.message.seq));
    let delivery = part(row, |row| row.as_ref().map(|row| row.delivery.clone()).unwrap_or_default());
    let body = part(row, |row| {
        let message = row.as_ref().map(|row| &row.message);
        Body {
            content: message.and_then(|message| message.content.clone()),
            edited: message.is_some_and(|message| message.edited_at.is_some()),
        }
    });
    let is_actionable = part(row, |row| row.as_ref().is_some_and(MessageRow::is_actionable));
    let quote = part(row, |row| {
        let message = &row.as_ref()?.message;
        // One that is deleted quotes nothing.
        message.content.as_ref()?;
        Some((message.reply_to?, message.quote.clone()))
    });
    let room = move || state.open_room().with_untracked(|open| open.room.slug.clone());
    let first_local = first.local;
    let local = move || row.with(|row| row.as_ref().map_or(first_local, |row| row.local));
    // One's own is the browser's guess until the server has said.
    let timestamp =
        move || row.with(|row| row.as_ref().map_or(first_timestamp, |row| row.message.timestamp).to_string());
    let label = {
        let name = name.clone();
        move || text!(locale, log.from, name = &name, time = clock::time(local()))
    };
    let stamp = move || stamp(locale, seq, room(), timestamp, Signal::derive(local));
    let gutter = {
        let name = name.clone();
        move || if head() { avatar(author, &name, "av") } else { stamp() }
    };
    let is_active = RwSignal::new(false);
    let class = move || {
        let mut class = String::from("message");
        row.with(|row| {
            let Some(row) = row else { return };
            for (name, holds) in [
                (" head", row.head),
                (" mine", row.mine),
                (" for-me", row.mentions_me),
                (" target", row.target),
                (" pending", matches!(row.delivery, Delivery::Sending | Delivery::Waiting)),
                (" failed", matches!(row.delivery, Delivery::Failed(_))),
                (" active", is_active.get()),
            ] {
                if holds {
                    class.push_str(name);
                }
            }
        });
        class
    };

    let article = view! {
        <article
            class=live(class)
            id=live(move || Some(seq()).filter(|&seq| seq > Seq::ZERO).map(|seq| format!("m{seq}")))
            tabindex=live(move || if *stop.read() == Some(key) { "0" } else { "-1" })
            aria-label=live(label)
        >
            <div class="gutter">
                {live(gutter)}
            </div>
            <div class="what">
                {live(move || {
                    head()
                        .then(|| {
                            view! {
                                <div class="who">
                                    <b dir="auto">{name.clone()}</b>
                                    {stamp()}
                                </div>
                            }
                                .into_any()
                        })
                })}
                {live(move || quote().map(|(target, quote)| quote_view(locale, &room(), target, quote)))}
                <div class="message-body">
                    {live(move || body_view(&body(), Reader { locale, me: &me }))}
                </div>
                {reactions_view(key, row)}
                {live(move || delivery_view(locale, &delivery(), seq()))}
            </div>
            {when(
                move || is_active.get() && is_actionable(),
                move || view! { <Toolbar key mine /> }.into_any(),
            )}
        </article>
    };
    touch.listen(article, key, is_active)
}

/// When it was said, as a link to it.
fn stamp(
    locale: Locale,
    seq: impl Fn() -> Seq + Send + 'static,
    room: RoomSlug,
    timestamp: impl Fn() -> String + Send + 'static,
    local: Signal<Local>,
) -> AnyView {
    view! {
        <a
            class="stamp"
            tabindex="-1"
            href=live(move || Some(seq()).filter(|&seq| seq > Seq::ZERO).map(|seq| permalink(&room, seq)))
            title=live(move || clock::moment(locale, local.get()))
        >
            <time datetime=live(timestamp)>{live(move || clock::time(local.get()))}</time>
        </a>
    }
    .into_any()
}

/// The message that is answered, as a link to it.
fn quote_view(
    locale: Locale,
    room: &RoomSlug,
    target: Seq,
    quote: Option<protocol::event::Quote>,
) -> AnyView {
    let name = quote.as_ref().map(|quote| quote.username.to_string());
    let excerpt = quote
        .and_then(|quote| quote.excerpt)
        .unwrap_or_else(|| text!(locale, message.quote_deleted).to_owned());
    view! {
        <a
            class="quote"
            href=permalink(room, target)
            on:click=move |event| {
                if jump_to(target) {
                    event.prevent_default();
                }
            }
        >
            {icon(Icon::Reply)}
            <b>{name}</b>
            <span dir="auto">{excerpt}</span>
        </a>
    }
    .into_any()
}

fn body_view(body: &Body, reader: Reader<'_>) -> AnyView {
    let Some(content) = &body.content else {
        return view! { <p class="deleted">{text!(reader.locale, message.deleted)}</p> }.into_any();
    };
    view! {
        {markdown(content.as_str(), reader)}
        {body
            .edited
            .then(|| {
                view! { <small class="edited">"(" {text!(reader.locale, message.edited)} ")"</small> }.into_any()
            })}
    }
    .into_any()
}

/// How far one's own message, or a change of it, has come. Says nothing once all is well.
fn delivery_view(locale: Locale, delivery: &Delivery, seq: Seq) -> Option<AnyView> {
    let desk = use_desk();
    let state = desk.state;
    match delivery {
        Delivery::Sent => None,
        Delivery::Sending => {
            Some(view! { <p class="delivery sending">{text!(locale, message.sending)}</p> }.into_any())
        }
        Delivery::Waiting => {
            Some(view! { <p class="delivery">{text!(locale, message.waiting)}</p> }.into_any())
        }
        &Delivery::Failed(Failure { id, cause }) => {
            let what = if seq > Seq::ZERO {
                text!(locale, message.not_changed)
            } else {
                text!(locale, message.failed)
            };
            Some(
                view! {
                    <p class="delivery bad">
                        <b>{what}</b>
                        " "
                        {failure(locale, cause)}
                        " "
                        <button on:click=move |_| state.retry(id)>{text!(locale, message.try_again)}</button>
                        " · "
                        <button on:click=move |_| {
                            state.discard(id);
                            desk.go_on_writing();
                        }>{text!(locale, message.discard)}</button>
                    </p>
                }
                .into_any(),
            )
        }
    }
}
