use super::{Function, Of, TABLES, names};
use crate::scripts::ALL;
use std::collections::{BTreeSet, HashSet};

/// What Redis gives to a library: no KEYS, no ARGV.
const GLOBALS: &[&str] = &[
    "cjson",
    "error",
    "ipairs",
    "math",
    "next",
    "pairs",
    "redis",
    "setmetatable",
    "string",
    "table",
    "tonumber",
    "tostring",
    "unpack",
];

fn files() -> impl Iterator<Item = (&'static str, &'static str)> {
    let tables = TABLES.iter().map(|table| (table.name, table.text));
    tables.chain(ALL.iter().map(|function| (function.name, function.text)))
}

#[test]
fn no_file_uses_a_name_that_nothing_declares() {
    let mut known = GLOBALS.to_vec();
    known.extend(TABLES.iter().map(|table| table.name));
    for (file, text) in files() {
        assert_eq!(names::free(text, &known), BTreeSet::new(), "{file}");
    }
    let known = [GLOBALS, &["KEYS", "ARGV"]].concat();
    for text in [&super::library().text, &super::library().script] {
        assert_eq!(names::free(text.split_once('\n').unwrap().1, &known), BTreeSet::new());
    }
}

#[test]
fn no_file_uses_what_a_table_lacks() {
    for table in TABLES {
        let made: HashSet<_> = made(table.text, table.name).collect();
        for (file, text) in files() {
            for (field, makes) in names::fields(text, table.name) {
                assert!(made.contains(&field), "{file}: {}.{field}", table.name);
                assert!(!makes || file == table.name, "{file} makes {}.{field}", table.name);
            }
        }
    }
}

fn made(text: &str, table: &str) -> impl Iterator<Item = String> {
    names::fields(text, table).into_iter().filter(|(_, makes)| *makes).map(|(field, _)| field)
}

#[test]
fn no_file_uses_what_a_context_lacks() {
    let keys = TABLES.iter().find(|table| table.name == "Keys").unwrap().text;
    // ` word = ':suffix'`, of the target or of the account.
    let mut known: HashSet<_> = keys
        .split_whitespace()
        .zip(keys.split_whitespace().skip(1).zip(keys.split_whitespace().skip(2)))
        .filter(|(_, (sign, suffix))| *sign == "=" && suffix.starts_with("':"))
        .map(|(word, _)| word.to_owned())
        .collect();
    assert!(known.contains("pending") && known.contains("throttled"), "{known:?}");
    known.extend(["target", "account", "name", "now"].map(str::to_owned));
    for (_, text) in files() {
        known.extend(made(text, "ctx"));
    }
    for (file, text) in files() {
        for (field, _) in names::fields(text, "ctx") {
            assert!(known.contains(&field), "{file}: ctx.{field}");
        }
    }
}

/// The lines of comments that a file begins with.
fn header(text: &str) -> Vec<&str> {
    text.lines().take_while(|line| line.starts_with("--")).collect()
}

#[test]
fn each_function_says_what_it_is_for_takes_returns_and_is_bound_by() {
    for Function { name, text, of, .. } in ALL {
        let header = header(text);
        assert!(header.first().is_some_and(|line| line.len() > 10 && line.starts_with("-- ")), "{name}");
        for what in ["-- returns ", "-- bound "] {
            assert_eq!(header.iter().filter(|line| line.starts_with(what)).count(), 1, "{name}: {what}");
        }
        let body = text.split_once("\n\n").unwrap().1;
        for used in body.split("args[").skip(1).filter_map(|rest| rest.split_once(']')?.0.parse().ok()) {
            let is_time = used == 1 && *of == Of::Target;
            assert!(is_time || header.iter().any(|line| documents(line, used)), "{name}: args[{used}]");
        }
    }
}

/// Whether a line of a header says what an argument is: `--   7    most items`, `--   6-11 …`.
fn documents(line: &str, argument: usize) -> bool {
    let Some(number) = line.strip_prefix("--   ").and_then(|rest| rest.split(' ').next()) else {
        return false;
    };
    let number = number.trim_end_matches('…');
    let (from, to) = number.split_once('-').unwrap_or((number, number));
    matches!((from.parse::<usize>(), to.parse::<usize>()), (Ok(from), Ok(to)) if (from..=to).contains(&argument))
}

#[test]
fn the_library_is_within_what_lua_can_take() {
    // Lua 5.1 takes 200 local names and 60 of an outer function; Redis says so when it loads the text.
    assert!(TABLES.len() < 60, "{} tables", TABLES.len());
}

#[test]
fn the_name_tells_one_text_from_another() {
    let library = super::library();
    let hash = library.name.strip_prefix(super::PREFIX).unwrap();
    assert!(hash.len() == 8 && hash.chars().all(|digit| digit.is_ascii_hexdigit()), "{hash}");
    assert!(library.text.starts_with(&format!("#!lua name={}\n", library.name)));
}
