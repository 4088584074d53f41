//! Builds the binary anew when the page's files have changed: a release carries them inside.

fn main() {
    println!("cargo:rerun-if-changed=../target/site");
}
