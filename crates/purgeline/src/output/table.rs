use comfy_table::{ContentArrangement, Table, presets};

/// A table for people: columns under headings, no lines, so that it can be cut and searched with
/// the usual tools. Cells are never wrapped: a URL stays whole.
pub(crate) fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(headings.iter().map(|heading| heading.to_uppercase()));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}
