//! The library of Redis Functions that does the queue's work, put together from the files of
//! `src/lua`.
//!
//! A file of `src/lua/lib` makes one table of shared functions. Every other file makes one function
//! that is called from outside; its header says what it is for, its arguments, what it returns and
//! what bounds its work. The library keeps no state between two calls.
//!
//! The library's name carries a hash of its text, and a function's name begins with the library's.
//! So two versions of purgeline use one Redis side by side, each with its own functions.

use redis::Cmd;
use std::{fmt::Write, sync::LazyLock};

/// The beginning of the name of every version of the library.
pub(crate) const PREFIX: &str = "purgeline_";

/// A function that is called from outside.
#[derive(Debug)]
pub(crate) struct Function {
    /// Its name, without the library's.
    pub(crate) name: &'static str,
    /// What its first key is.
    pub(crate) of: Of,
    pub(crate) flags: Flags,
    pub(crate) text: &'static str,
}

/// What the first key of a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// The base key of a target: the function gets a context made of it.
    Target,
    /// A key: the function gets its name.
    Key,
}

/// What Redis must know of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flags {
    /// It adds work: Redis refuses it when there is no memory left.
    AddsWork,
    /// It gets work done: Redis runs it without memory too, so that a full queue empties.
    GetsWorkDone,
    /// It only reads.
    Reads,
}

/// All of it, as Redis gets it.
pub(crate) struct Library {
    /// `purgeline_` and eight hexadecimal digits.
    pub(crate) name: String,
    /// For `FUNCTION LOAD`.
    pub(crate) text: String,
    /// The same as a script, for a Redis that has no memory left for a library. Its last argument
    /// names the function.
    pub(crate) script: String,
    /// The hash by which a Redis that has run the script knows it.
    pub(crate) script_hash: String,
}

/// A file of shared functions, which makes one table.
struct Table {
    name: &'static str,
    text: &'static str,
}

macro_rules! tables {
    ($($name:literal $file:literal;)+) => { &[$(Table { name: $name, text: include_str!($file) }),+] };
}

/// Each may use all others when it is called; when it is made, only those above it.
const TABLES: &[Table] = tables! {
    "Text" "lua/lib/text.lua";
    "Keys" "lua/lib/keys.lua";
    "Names" "lua/lib/names.lua";
    "Record" "lua/lib/record.lua";
    "Waiters" "lua/lib/waiters.lua";
    "Pending" "lua/lib/pending.lua";
    "Coverage" "lua/lib/coverage.lua";
    "Inflight" "lua/lib/inflight.lua";
    "Embargo" "lua/lib/embargo.lua";
    "Expiry" "lua/lib/expiry.lua";
    "Rebound" "lua/lib/rebound.lua";
    "Holds" "lua/lib/holds.lua";
    "Breaker" "lua/lib/breaker.lua";
    "Limits" "lua/lib/limits.lua";
    "Quota" "lua/lib/quota.lua";
    "Calls" "lua/lib/calls.lua";
    "Batch" "lua/lib/batch.lua";
    "Decision" "lua/lib/decision.lua";
    "Chunk" "lua/lib/chunk.lua";
    "Counts" "lua/lib/counts.lua";
    "Letters" "lua/lib/letters.lua";
    "History" "lua/lib/history.lua";
    "Cancelling" "lua/lib/cancelling.lua";
    "Restore" "lua/lib/restore.lua";
};

static LIBRARY: LazyLock<Library> = LazyLock::new(Library::new);

/// The library of this version.
pub(crate) fn library() -> &'static Library {
    &LIBRARY
}

impl Library {
    fn new() -> Self {
        let body = body();
        let hash = redis::Script::new(&body).get_hash().to_owned();
        // A hash is 40 hexadecimal digits.
        let name = format!("{PREFIX}{}", hash.get(..8).unwrap_or(&hash));
        let mut text = format!("#!lua name={name}\n{body}");
        for function in crate::scripts::ALL {
            let (local, flags) = (function.name, function.flags.words());
            let call = match function.of {
                Of::Target => "run(Keys.context(keys, args), args)",
                Of::Key => "run(keys[1], args)",
            };
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "do\n  local run = functions['{local}']\n  redis.register_function({{ function_name = '{name}_{local}', \
                 flags = {{ {flags} }}, callback = function(keys, args) return {call} end }})\nend\n"
            );
        }
        let mut script = format!("#!lua flags=allow-oom\n{body}");
        script.push_str("local name, of_key = table.remove(ARGV), {}\n");
        for function in crate::scripts::ALL.iter().filter(|function| function.of == Of::Key) {
            let _ = writeln!(script, "of_key['{}'] = true", function.name);
        }
        script
            .push_str("return functions[name](of_key[name] and KEYS[1] or Keys.context(KEYS, ARGV), ARGV)\n");
        let script_hash = redis::Script::new(&script).get_hash().to_owned();
        Self { name, text, script, script_hash }
    }

    /// The command that gives the library to a server.
    pub(crate) fn load(&self) -> Cmd {
        let mut command = redis::cmd("FUNCTION");
        command.arg("LOAD").arg(&self.text);
        command
    }

    /// The name by which Redis knows a function.
    pub(crate) fn function(&self, function: &Function) -> String {
        format!("{}_{}", self.name, function.name)
    }
}

/// The tables, and the functions in a table of theirs. Each file has its own scope.
fn body() -> String {
    let names: Vec<_> = TABLES.iter().map(|table| table.name).collect();
    // Named before they are made, so that each may use all others.
    let mut body = format!("local {}\nlocal functions = {{}}\n", names.join(", "));
    for Table { name, text } in TABLES {
        let _ = write!(body, "{name} = (function()\n{text}\nend)()\n");
    }
    for Function { name, text, .. } in crate::scripts::ALL {
        let _ = write!(body, "functions['{name}'] = (function()\n{text}\nend)()\n");
    }
    body
}

impl Flags {
    const fn words(self) -> &'static str {
        match self {
            Self::AddsWork => "",
            Self::GetsWorkDone => "'allow-oom'",
            Self::Reads => "'no-writes', 'allow-oom'",
        }
    }
}

#[cfg(test)]
mod names;
#[cfg(test)]
mod tests;
