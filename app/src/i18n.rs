//! The page's texts, in English and Chinese. They lie in `locales/`; a text that is missing in one language does not
//! compile. Hidden here: how the language gets to the views, and which text belongs to which refusal.

use leptos::prelude::*;
use protocol::{
    ErrorCode,
    text::{InvalidText, is_invisible},
};

use crate::{source::Language, state::Cause};

pub(crate) use leptos_i18n::td_string as text;
pub(crate) use texts::i18n::Locale;

#[expect(
    dead_code,
    unused_imports,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::expect_used,
    reason = "generated: more than this page asks for, in the library's own style"
)]
mod texts {
    include!(concat!(env!("OUT_DIR"), "/texts.rs"));
}

/// The language of this document. It is the server's choice and stays until the next document.
pub(crate) fn language() -> Locale {
    use_context().unwrap_or_default()
}

/// Tells the views below which language to speak.
pub(crate) fn provide_language(language: Language) {
    provide_context(match language {
        Language::English => Locale::en,
        Language::Chinese => Locale::zh_CN,
    });
}

impl Language {
    /// The language as a BCP 47 tag, for `lang` attributes and forms.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// What the language calls itself.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "简体中文",
        }
    }
}

/// What to tell somebody whose operation was refused.
pub(crate) fn refusal(locale: Locale, code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::BadName => text!(locale, errors.bad_name),
        ErrorCode::NameTaken => text!(locale, errors.name_taken),
        ErrorCode::RoomExists => text!(locale, errors.room_exists),
        ErrorCode::RoomNotFound => text!(locale, errors.room_not_found),
        ErrorCode::TargetNotFound | ErrorCode::NotFound => text!(locale, errors.target_not_found),
        ErrorCode::ContentEmpty => text!(locale, errors.content_empty),
        ErrorCode::ContentTooLong | ErrorCode::TooLarge => text!(locale, errors.content_too_long),
        ErrorCode::RateLimited => text!(locale, errors.rate_limited),
        ErrorCode::LimitReached => text!(locale, errors.limit_reached),
        ErrorCode::Unavailable => text!(locale, errors.unavailable),
        ErrorCode::Unauthorized => text!(locale, errors.unauthorized),
        ErrorCode::Forbidden | ErrorCode::ForeignOrigin => text!(locale, errors.forbidden),
        ErrorCode::GuestsOff => text!(locale, errors.guests_off),
        ErrorCode::BadFrame
        | ErrorCode::UnknownType
        | ErrorCode::BadField
        | ErrorCode::BadCursor
        | ErrorCode::IdConflict
        | ErrorCode::MethodNotAllowed
        | ErrorCode::UnsupportedMediaType
        | ErrorCode::Internal => text!(locale, errors.internal),
    }
}

/// What to tell somebody whose operation failed for good.
pub(crate) fn failure(locale: Locale, cause: Cause) -> &'static str {
    match cause {
        // The only limit of the server's that an operation can reach.
        Cause::Refused(ErrorCode::LimitReached) => text!(locale, errors.reactions_full),
        Cause::Refused(code) => refusal(locale, code),
        Cause::OutboxFull => text!(locale, errors.outbox_full),
        Cause::StorageFull => text!(locale, errors.storage_full),
    }
}

/// What to tell somebody whose name was not accepted.
pub(crate) fn bad_username(locale: Locale, error: InvalidText) -> String {
    match error {
        InvalidText::Empty => text!(locale, errors.name_empty).to_owned(),
        InvalidText::TooLong { .. } => text!(locale, errors.name_long).to_owned(),
        InvalidText::Character(space) if space.is_whitespace() => text!(locale, errors.name_space).to_owned(),
        InvalidText::Character(unseen) if unseen.is_control() || is_invisible(unseen) => {
            text!(locale, errors.name_invisible, code = format!("U+{:04X}", u32::from(unseen)))
        }
        InvalidText::Character(character) => text!(locale, errors.name_character, character = character),
        InvalidText::Edge => text!(locale, errors.name_edge).to_owned(),
        InvalidText::NotEmoji => text!(locale, errors.bad_name).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use protocol::Username;
    use serde_json::{Map, Value};

    use super::*;

    #[test]
    fn what_cannot_be_seen_in_a_name_is_named() {
        let told = |name: &str| {
            let error = name.parse::<Username>().unwrap_err();
            [Locale::en, Locale::zh_CN].map(|locale| bad_username(locale, error))
        };
        assert!(told("a@b").iter().all(|text| text.contains('@')));
        assert!(told("a\u{200B}b").iter().all(|text| text.contains("U+200B") && !text.contains('\u{200B}')));
        let [en, zh] = told("a\u{3000}b");
        assert!(en.contains("no spaces") && zh.contains("空格"), "{en} {zh}");
    }

    #[test]
    fn each_limit_is_told_in_words_of_its_own() {
        let causes = [Cause::Refused(ErrorCode::LimitReached), Cause::OutboxFull, Cause::StorageFull];
        for (locale, about) in
            [(Locale::en, ["reactions", "messages", "browser"]), (Locale::zh_CN, ["表情", "等待", "浏览器"])]
        {
            for (cause, about) in causes.into_iter().zip(about) {
                assert!(failure(locale, cause).contains(about), "{cause:?}: {}", failure(locale, cause));
            }
        }
    }

    /// The names of all texts, with the values that go into each.
    fn names(json: &str) -> BTreeSet<String> {
        let groups: Map<String, Value> = serde_json::from_str(json).unwrap();
        let mut names = BTreeSet::new();
        for (group, texts) in &groups {
            for (name, text) in texts.as_object().unwrap() {
                let mut values: Vec<&str> = text
                    .as_str()
                    .unwrap()
                    .split("{{")
                    .skip(1)
                    .filter_map(|rest| rest.split("}}").next())
                    .collect();
                values.sort_unstable();
                names.insert(format!("{group}.{name} {values:?}"));
            }
        }
        names
    }

    #[test]
    fn both_languages_have_the_same_texts() {
        assert_eq!(names(include_str!("../locales/en.json")), names(include_str!("../locales/zh-CN.json")));
    }
}
