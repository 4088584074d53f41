//! Somebody's picture: their initials on a colour that is always theirs.

use leptos::prelude::*;
use protocol::UserId;

/// How many colours there are: the classes `hue-0` to `hue-11` in `style/_base.scss`.
const HUES: u128 = 12;

/// The initials of a name: the first character of a name that is written without letters' case (Chinese, an emoji …),
/// else two letters, taken from two words where there are two.
pub(crate) fn initials(name: &str) -> String {
    let mut words = name.split(['-', '_', '.']).filter(|word| !word.is_empty());
    let first = words.next().unwrap_or(name);
    let mut letters = first.chars();
    let Some(initial) = letters.next() else { return String::new() };
    if !initial.is_lowercase() && !initial.is_uppercase() {
        return initial.to_string();
    }
    let second = words.next().and_then(|word| word.chars().next()).or_else(|| letters.next());
    [Some(initial), second].into_iter().flatten().flat_map(char::to_uppercase).collect()
}

/// The class that gives somebody their colour.
pub(crate) fn hue(id: UserId) -> String {
    format!("hue-{}", id.0.as_u128() % HUES)
}

/// Somebody's picture. Decoration: their name always stands beside it.
pub(crate) fn avatar(id: UserId, name: &str, class: &'static str) -> AnyView {
    let class = format!("{class} {}", hue(id));
    view! { <span class=class aria-hidden="true">{initials(name)}</span> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_fit_into_the_square_in_any_script() {
        for (name, expected) in [
            ("Alice", "AL"),
            ("mary-ann", "MA"),
            ("小明", "小"),
            ("x", "X"),
            ("J.R", "JR"),
            ("محمد", "م"),
            ("🦀rust", "🦀"),
            ("bob_2", "B2"),
            ("ßa", "SSA"),
        ] {
            assert_eq!(initials(name), expected, "{name}");
        }
    }
}
