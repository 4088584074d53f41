# The versions of the tools that build Hubbub. Sourced by the other scripts; nothing else names one.
# Keep WASM_BINDGEN equal to the pin in Cargo.toml: the two halves refuse to work together otherwise.
WASM_BINDGEN=0.2.130
CARGO_LEPTOS=0.3.11
