//! `docs/providers.md` says what the code declares.

#[path = "../examples/document.rs"]
mod document;

#[test]
fn the_document_is_what_the_providers_declare() {
    let expected = document::document().unwrap();
    let written = include_str!("../../../docs/providers.md");
    assert!(
        expected == written,
        "docs/providers.md is out of date: cargo run -p purgeline-providers --example document > docs/providers.md"
    );
}
