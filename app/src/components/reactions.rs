//! The emoji on a message: each a button that puts one's own there or takes it off.

use leptos::prelude::*;
use protocol::{Emoji, UserId, timeline::Reaction};

use super::{
    desk::use_desk,
    list::list,
    reactive::{Known, known, live, part},
    when::when,
};
use crate::{
    i18n::{Locale, language, text},
    state::{MessageRow, RowKey},
};

/// How many of those who reacted are named.
const NAMED_MAX: usize = 8;

/// Who put this emoji there, in words.
fn who_reacted(locale: Locale, reaction: &Reaction) -> String {
    let separator = if locale == Locale::zh_CN { "、" } else { ", " };
    let first: Vec<&str> = reaction.users.iter().take(NAMED_MAX).map(|user| user.username.as_str()).collect();
    let names = first.join(separator);
    match reaction.users.len().saturating_sub(NAMED_MAX) {
        0 => names,
        more => text!(locale, message.and_more, names = &names, count = more),
    }
}

/// The reactions to the message of a row.
pub(crate) fn reactions_view(key: RowKey, row: Known<Option<MessageRow>>) -> AnyView {
    let me = use_desk().state.me().id;
    let is_there = part(row, |row| row.as_ref().is_some_and(|row| !row.message.reactions.is_empty()));
    when(is_there, move || {
        let reactions = known(move |_| {
            row.with(|row| row.as_ref().map(|row| row.message.reactions.clone()).unwrap_or_default())
        });
        let emoji = move || reactions.with(|all| all.iter().map(|reaction| reaction.emoji.clone()).collect());
        view! { <div class="reactions">{list(emoji, move |emoji| chip(key, emoji, reactions, me))}</div> }
            .into_any()
    })
}

/// One emoji.
fn chip(key: RowKey, emoji: Emoji, reactions: Known<Vec<Reaction>>, me: UserId) -> AnyView {
    let locale = language();
    let desk = use_desk();
    let shown = emoji.to_string();
    let mark = emoji.clone();
    let reaction =
        known(move |_| reactions.with(|all| all.iter().find(|reaction| reaction.emoji == emoji).cloned()));
    let count =
        move || reaction.with(|reaction| reaction.as_ref().map_or(0, |reaction| reaction.users.len()));
    let mine = move || {
        reaction.with(|reaction| {
            reaction.as_ref().is_some_and(|it| it.users.iter().any(|user| user.user_id == me))
        })
    };
    let names =
        known(move |_| reaction.with(|it| it.as_ref().map(|it| who_reacted(locale, it)).unwrap_or_default()));
    let label = {
        let emoji = shown.clone();
        move || text!(locale, message.reaction, emoji = &emoji, count = count(), names = names.get())
    };
    view! {
        <button
            class="reaction"
            aria-pressed=live(move || mine().to_string())
            aria-label=live(label)
            title=live(move || names.get())
            on:click=move |_| {
                if let Some(message) = desk.actionable(key) {
                    desk.toggle_reaction(&message, &mark);
                }
            }
        >
            <span aria-hidden="true">{shown}</span>
            <span class="figure" aria-hidden="true">
                {live(move || count().to_string())}
            </span>
        </button>
    }
    .into_any()
}
