//! The HTML document around the page, made on the server only: what a browser must know before it draws anything, and
//! the script that starts the WebAssembly.

use leptos::{
    nonce::{Nonce, use_nonce},
    prelude::*,
    tachys::view::Position,
};

use crate::{
    App,
    fragments::Fragments,
    i18n::{provide_language, text},
    source::{Assets, Content, Preferences, Theme, Viewer},
    visitor::Visitor,
};

/// Writes the whole document as HTML to the end of `sheet`. Its scripts carry `nonce`. All that it shows is at hand, so it is made in
/// one piece; what is in `fragments`, where there are any, is not made again.
pub fn render(
    content: Content,
    viewer: Viewer,
    assets: Assets,
    nonce: &str,
    fragments: Option<&Fragments>,
    sheet: &mut String,
) {
    Owner::new_root(None).with(|| {
        provide_context(viewer);
        if let Some(fragments) = fragments {
            provide_context(fragments.clone());
        }
        provide_context(Nonce::from_value(nonce));
        let visitor = Visitor::current();
        let Preferences { language, theme, .. } = visitor.preferences;
        provide_language(language);
        sheet.push_str("<!DOCTYPE html><html lang=\"");
        sheet.push_str(language.tag());
        sheet.push_str(match theme {
            Theme::System => "\"><head>",
            Theme::Light => "\" data-theme=\"light\"><head>",
            Theme::Dark => "\" data-theme=\"dark\"><head>",
        });
        draw(head(&content, theme, assets), sheet);
        sheet.push_str(&visitor.block());
        sheet.push_str("</head><body>");
        // What the page shows it takes, and the browser is to get the same.
        let block = content.block();
        provide_context(content);
        draw(view! { <App /> }, sheet);
        sheet.push_str(&block);
        sheet.push_str("</body></html>");
    });
}

fn draw(view: impl IntoView, sheet: &mut String) {
    view.into_view().to_html_with_buf(sheet, &mut Position::FirstChild, true, false, Vec::new());
}

/// Whether `cargo leptos watch` runs: then the page hears of changes on a socket of its own. A release does not watch
/// itself change.
pub fn is_watched() -> bool {
    cfg!(debug_assertions) && std::env::var_os("LEPTOS_WATCH").is_some()
}

/// What stands in the head, but for the data.
fn head(content: &Content, theme: Theme, assets: Assets) -> impl IntoView + use<> {
    let locale = crate::i18n::language();
    let scheme = match theme {
        Theme::System => "light dark",
        Theme::Light => "light",
        Theme::Dark => "dark",
    };
    let css = assets.css.clone();
    let configuration = if is_watched() { get_configuration(None).ok() } else { None };
    let reload = configuration.map(|found| view! { <AutoReload options=found.leptos_options /> });

    let title = content.title(locale).replace('&', "&amp;").replace('<', "&lt;");

    view! {
        <meta charset="utf-8" />
        <meta
            name="viewport"
            content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content"
        />
        <meta name="color-scheme" content=scheme />
        <ThemeColors theme />
        <meta name="description" content=text!(locale, app.description) />
        // Not as a text, behind which Leptos sets a mark: what stands in a title is no element.
        <title inner_html=title></title>
        <Start assets />
        <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
        <link rel="manifest" href="/manifest.webmanifest" />
        <link rel="apple-touch-icon" href="/icon-192.png" />
        <link rel="stylesheet" href=css />
        {reload}
    }
}

/// The colour of the browser's own chrome: that of the paper (see `style/_tokens.scss`).
#[component]
fn ThemeColors(theme: Theme) -> impl IntoView {
    const LIGHT: &str = "#f6f3ee";
    const DARK: &str = "#141216";
    match theme {
        Theme::System => view! {
            {view! { <meta name="theme-color" content=LIGHT /> }.attr("media", "(prefers-color-scheme: light)")}
            {view! { <meta name="theme-color" content=DARK /> }.attr("media", "(prefers-color-scheme: dark)")}
        }
        .into_any(),
        Theme::Light => view! { <meta name="theme-color" content=LIGHT /> }.into_any(),
        Theme::Dark => view! { <meta name="theme-color" content=DARK /> }.into_any(),
    }
}

/// Loads the WebAssembly as soon as the page is painted, for it is read before it is used, and hands the page over to it. What is
/// out of sight is not painted and does not wait for it, and nothing does for longer than a second. It is a script, so that a browser
/// without JavaScript loads nothing; it stands before the style sheet, which it would wait for. Leptos' own script is not used: it
/// finds hashed files by a list on disk, and here they are inside the binary.
#[component]
fn Start(assets: Assets) -> impl IntoView {
    let Assets { js, wasm, .. } = assets;
    let address = use_context::<Viewer>().and_then(|viewer| viewer.address);
    let quoted = |address: &str| serde_json::to_string(address).unwrap_or_default().replace('<', "\\u003c");
    // From then on the page goes by the browser's address, and a reload must not post a refused form again.
    let move_there = address.map(|address| format!("history.replaceState(null, '', {});", quoted(&address)));
    let script = format!(
        "{{
    {}
    let start = async () => {{
        start = () => {{}};
        const script = import({}), module_or_path = fetch({});
        const {{ default: init, hydrate }} = await script;
        await init({{ module_or_path }});
        // Each takes longer than a frame: between them whoever types is heard.
        setTimeout(hydrate);
    }};
    addEventListener('DOMContentLoaded', () => {{
        if (document.hidden) start();
        document.addEventListener('visibilitychange', () => start(), {{ once: true }});
        setTimeout(() => start(), 1000);
        new PerformanceObserver(() => start()).observe({{ type: 'paint', buffered: true }});
    }});
}}",
        move_there.unwrap_or_default(),
        quoted(&js),
        quoted(&wasm),
    );
    view! { <script nonce=use_nonce() inner_html=script></script> }
}
