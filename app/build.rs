//! Makes Rust of the texts in `locales/`. What `leptos_i18n_build` does, without its ICU data exporter, which the page
//! has no use for and which would take minutes to compile.

use std::{env, error::Error, fs, path::Path};

use leptos_i18n_codegen::gen_code;
use leptos_i18n_parser::parse_locales::{
    options::{Config, ParseOptions},
    parse_locales,
};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=locales");
    println!("cargo::rerun-if-changed=build.rs");
    let config =
        Config::new("en")?.add_locale("zh-CN")?.parse_options(ParseOptions::new().interpolate_display(true));
    let texts = gen_code(&parse_locales(None, config)?, None, true, None, false)?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("texts.rs"), texts.to_string())?;
    Ok(())
}
