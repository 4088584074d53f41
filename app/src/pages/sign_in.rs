//! Pick a name and come in. Shown to whoever is not signed in wherever there may be something for them; leads on to where
//! they wanted to go.

use leptos::prelude::*;
use protocol::{Username, limits::USERNAME_MAX_CHARS};

use crate::{
    components::{card::Card, preferences::PreferenceForms},
    i18n::{bad_username, language, refusal, text},
    source::{Form, form_id},
    visitor::Visitor,
};

/// The sign-in page, which leads on to `next`. It is a plain form; the browser's half only refuses a bad name before it is
/// sent.
#[component]
pub(crate) fn SignInPage(
    next: String,
    /// The private room that the address invites to.
    invited: Option<String>,
) -> impl IntoView {
    let locale = language();
    let visitor = use_context::<Visitor>().unwrap_or_default();
    let (title, invitation) = match invited {
        None => (text!(locale, sign_in.title).to_owned(), None),
        Some(room) => (text!(locale, invite.stranger_title, room), Some(text!(locale, invite.stranger_text))),
    };
    let refused = visitor.refused.filter(|refused| refused.form == Form::SignIn);
    let typed = refused.as_ref().map(|refused| refused.typed.clone()).unwrap_or_default();
    let problem = RwSignal::new(refused.map(|refused| {
        // What is wrong with the name itself can be said better than its code does.
        match refused.typed.parse::<Username>() {
            Err(error) => bad_username(locale, error),
            Ok(_) => refusal(locale, refused.code).to_owned(),
        }
    }));

    let then = next.clone();
    let field = NodeRef::<leptos::html::Input>::new();
    let check = move |event: leptos::ev::SubmitEvent| {
        let name = field.get().map(|field| field.value()).unwrap_or_default();
        if let Err(error) = name.parse::<Username>() {
            event.prevent_default();
            problem.set(Some(bad_username(locale, error)));
            if let Some(field) = field.get() {
                _ = field.focus();
            }
        }
    };

    view! {
        <Card title>
            {invitation.map(|words| view! { <p>{words}</p> })}
            {if visitor.guests {
                view! {
                    <form class="stack" method="post" action="/sign-in" on:submit=check novalidate>
                        <input type="hidden" name="next" value=then />
                        <input type="hidden" name="id" value=form_id() />
                        <label class="field">
                            <span>{text!(locale, sign_in.name)}</span>
                            <input
                                node_ref=field
                                name="username"
                                value=typed
                                autocomplete="nickname"
                                autocapitalize="none"
                                spellcheck="false"
                                enterkeyhint="go"
                                maxlength=(USERNAME_MAX_CHARS * 4).to_string()
                                autofocus
                                required
                                aria-describedby="name-help"
                                aria-invalid=move || problem.read().is_some().then_some("true")
                                on:input=move |_| problem.set(None)
                            />
                        </label>
                        <p
                            id="name-help"
                            class="help"
                            class:bad=move || problem.read().is_some()
                            role=move || problem.read().is_some().then_some("alert")
                        >
                            {move || problem.get().unwrap_or_else(|| text!(locale, sign_in.hint).to_owned())}
                        </p>
                        <button class="button primary wide" type="submit">
                            {text!(locale, sign_in.button)}
                        </button>
                    </form>
                }
                    .into_any()
            } else {
                view! { <p>{text!(locale, sign_in.closed)}</p> }.into_any()
            }}
        </Card>
        <div class="card-foot">
            <PreferenceForms next />
        </div>
    }
}
