//! Finds the names in Lua text that nothing declares. It knows the scopes of Lua 5.1, and of its
//! grammar what they need: the condition of an `until` ends with its line.

use std::collections::{BTreeSet, HashSet};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Name(String),
    /// A keyword, or a sign.
    Word(String),
    /// A string or a number.
    Literal,
}

const KEYWORDS: &[&str] = &[
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local", "nil",
    "not", "or", "repeat", "return", "then", "true", "until", "while",
];

/// The names that a text uses and does not declare, each with its line: `name:line`.
pub(super) fn free(text: &str, known: &[&str]) -> BTreeSet<String> {
    Walk::new(tokens(text), known).run()
}

/// The names that are read or made of a table: `word` of `Table.word`, and whether it is made there.
pub(super) fn fields(text: &str, table: &str) -> Vec<(String, bool)> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    for (at, window) in tokens.windows(3).enumerate() {
        let [(Token::Name(name), _), (Token::Word(dot), _), (Token::Name(field), _)] = window else {
            continue;
        };
        let inner = at > 0 && [".", ":"].iter().any(|sign| is(&tokens[at - 1].0, sign));
        if name == table && dot == "." && !inner {
            let makes = at > 0 && is(&tokens[at - 1].0, "function")
                || tokens.get(at + 3).is_some_and(|(next, _)| is(next, "="));
            found.push((field.clone(), makes));
        }
    }
    found
}

fn is(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(text) if text == word)
}

fn tokens(text: &str) -> Vec<(Token, usize)> {
    let chars: Vec<char> = text.chars().collect();
    let (mut at, mut line, mut found) = (0, 1, Vec::new());
    while let Some(&first) = chars.get(at) {
        let next = chars.get(at + 1).copied().unwrap_or(' ');
        match first {
            '\n' => {
                line += 1;
                at += 1;
            }
            _ if first.is_whitespace() => at += 1,
            '-' if next == '-' => {
                assert_ne!(
                    (chars.get(at + 2), chars.get(at + 3)),
                    (Some(&'['), Some(&'[')),
                    "a long comment"
                );
                while chars.get(at).is_some_and(|char| *char != '\n') {
                    at += 1;
                }
            }
            '[' if next == '[' => panic!("a long string in line {line}"),
            '\'' | '"' => {
                at += 1;
                while chars[at] != first {
                    at += if chars[at] == '\\' { 2 } else { 1 };
                }
                at += 1;
                found.push((Token::Literal, line));
            }
            _ if first.is_ascii_digit() => {
                while chars.get(at).is_some_and(|char| char.is_ascii_alphanumeric() || *char == '.') {
                    at += 1;
                }
                found.push((Token::Literal, line));
            }
            _ if first.is_ascii_alphabetic() || first == '_' => {
                let from = at;
                while chars.get(at).is_some_and(|char| char.is_ascii_alphanumeric() || *char == '_') {
                    at += 1;
                }
                let word: String = chars[from..at].iter().collect();
                let token =
                    if KEYWORDS.contains(&word.as_str()) { Token::Word(word) } else { Token::Name(word) };
                found.push((token, line));
            }
            _ => {
                let two: String = [first, next].iter().collect();
                let three = two == ".." && chars.get(at + 2) == Some(&'.');
                let length = if three {
                    3
                } else if ["==", "~=", "<=", ">=", ".."].contains(&two.as_str()) {
                    2
                } else {
                    1
                };
                found.push((Token::Word(chars[at..at + length].iter().collect()), line));
                at += length;
            }
        }
    }
    found
}

struct Walk {
    tokens: Vec<(Token, usize)>,
    at: usize,
    scopes: Vec<HashSet<String>>,
    /// Names of a `local` statement, which hold once its values have been read: where they begin to.
    coming: Vec<(usize, String)>,
    /// Open brackets: in braces a name before `=` is a field.
    brackets: Vec<String>,
    free: BTreeSet<String>,
}

impl Walk {
    fn new(tokens: Vec<(Token, usize)>, known: &[&str]) -> Self {
        let known = known.iter().map(|name| (*name).to_owned()).collect();
        let (coming, brackets, free) = (Vec::new(), Vec::new(), BTreeSet::new());
        Self { tokens, at: 0, scopes: vec![known, HashSet::new()], coming, brackets, free }
    }

    fn run(mut self) -> BTreeSet<String> {
        let mut until: Option<usize> = None;
        while let Some((token, line)) = self.tokens.get(self.at).cloned() {
            if until.is_some_and(|until| line > until) {
                self.scopes.pop();
                until = None;
            }
            self.declare_coming();
            self.at += 1;
            match token {
                Token::Name(name) => self.name(&name, line),
                Token::Literal => {}
                Token::Word(word) => match word.as_str() {
                    "local" => self.local(),
                    "function" => self.function(false),
                    "for" => self.for_loop(),
                    "do" | "then" | "repeat" => self.scopes.push(HashSet::new()),
                    "else" => {
                        self.scopes.pop();
                        self.scopes.push(HashSet::new());
                    }
                    "end" | "elseif" => drop(self.scopes.pop()),
                    "until" => until = Some(line),
                    "(" | "{" | "[" => self.brackets.push(word),
                    ")" | "}" | "]" => drop(self.brackets.pop()),
                    _ => {}
                },
            }
        }
        if until.is_some() {
            self.scopes.pop();
        }
        assert_eq!((self.scopes.len(), self.brackets.len()), (2, 0), "what begins must end");
        self.free
    }

    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead).map(|(token, _)| token)
    }

    fn next_is(&self, word: &str) -> bool {
        self.peek(0).is_some_and(|token| is(token, word))
    }

    fn declare(&mut self, name: String) {
        self.scopes.last_mut().unwrap().insert(name);
    }

    fn declare_coming(&mut self) {
        let at = self.at;
        let (now, later) = std::mem::take(&mut self.coming).into_iter().partition(|(from, _)| *from <= at);
        self.coming = later;
        let now: Vec<(usize, String)> = now;
        for (_, name) in now {
            self.declare(name);
        }
    }

    fn name(&mut self, name: &str, line: usize) {
        let before = self.at.checked_sub(2).map(|at| &self.tokens[at].0);
        let is_field = before.is_some_and(|token| is(token, ".") || is(token, ":"))
            || (self.brackets.last().is_some_and(|open| open == "{") && self.next_is("="));
        if !is_field && !self.scopes.iter().any(|scope| scope.contains(name)) {
            self.free.insert(format!("{name}:{line}"));
        }
    }

    /// The names of a list, behind the place where the walk stands.
    fn names(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        while let Some(Token::Name(name)) = self.peek(0).cloned() {
            names.push(name);
            self.at += 1;
            if !self.next_is(",") {
                break;
            }
            self.at += 1;
        }
        names
    }

    fn local(&mut self) {
        if self.next_is("function") {
            self.at += 1;
            self.function(true);
            return;
        }
        let names = self.names();
        // They hold behind the values: `local x = x` reads another x.
        let from = if self.next_is("=") { self.values_end() } else { self.at };
        self.coming.extend(names.into_iter().map(|name| (from, name)));
    }

    /// Where the values of the `local` statement end, at whose `=` the walk stands: at the first token
    /// that follows a whole value and cannot go on with it.
    fn values_end(&self) -> usize {
        let (mut at, mut depth, mut is_whole) = (self.at + 1, 0_usize, false);
        while let Some((token, line)) = self.tokens.get(at) {
            let goes_on = match token {
                Token::Name(_) | Token::Literal => !is_whole,
                Token::Word(word) => match word.as_str() {
                    "function" | "nil" | "true" | "false" | "not" | "{" | "#" => !is_whole || word == "{",
                    "(" => !is_whole || self.tokens[at - 1].1 == *line,
                    "local" | "return" | "if" | "for" | "while" | "repeat" | "do" | "break" | "end"
                    | "else" | "elseif" | "until" => false,
                    _ => true,
                },
            };
            if depth == 0 && !goes_on {
                return at;
            }
            if let Token::Word(word) = token {
                match word.as_str() {
                    "(" | "{" | "[" | "function" | "if" | "do" | "repeat" => depth += 1,
                    ")" | "}" | "]" | "end" | "until" => depth -= 1,
                    _ => {}
                }
            }
            is_whole = match token {
                Token::Name(_) | Token::Literal => true,
                Token::Word(word) => {
                    [")", "}", "]", "end", "nil", "true", "false", "..."].contains(&word.as_str())
                }
            };
            at += 1;
        }
        at
    }

    fn function(&mut self, is_local: bool) {
        if let Some(Token::Name(name)) = self.peek(0).cloned() {
            let line = self.tokens[self.at].1;
            self.at += 1;
            if is_local {
                self.declare(name);
            } else {
                self.name(&name, line);
            }
            while self.next_is(".") || self.next_is(":") {
                self.at += 2;
            }
        }
        assert!(self.next_is("("), "a function has arguments in brackets");
        self.at += 1;
        let arguments = self.names();
        self.scopes.push(arguments.into_iter().collect());
        while !self.next_is(")") {
            self.at += 1;
        }
        self.at += 1;
    }

    fn for_loop(&mut self) {
        let names = self.names();
        // What is walked is read outside of the loop; none of it is a function with a body.
        let mut at = self.at;
        while !is(&self.tokens[at].0, "do") {
            at += 1;
        }
        self.coming.extend(names.into_iter().map(|name| (at + 1, name)));
    }
}

#[test]
fn names_that_nothing_declares_are_found() {
    let found = |text: &str| free(text, &["redis", "pairs"]).into_iter().collect::<Vec<_>>();
    assert_eq!(found("local record = 1\nreturn recrod"), ["recrod:2"]);
    assert_eq!(found("local x = x"), ["x:1"]);
    assert_eq!(found("local a, b = f(a), { b = 1, [c] = d.e }"), ["a:1", "c:1", "d:1", "f:1"]);
    assert_eq!(found("x = 1"), ["x:1"]);
    assert_eq!(found("if a then local b = 1 else return b end return b"), ["a:1", "b:1"]);
    assert_eq!(found("for i = i, 2 do redis.call(i) end\nreturn i"), ["i:1", "i:2"]);
    assert_eq!(found("for k, v in pairs(t) do local w = k .. v end return w"), ["t:1", "w:1"]);
    assert_eq!(found("repeat local done = redis.x until done\nreturn done"), ["done:2"]);
    assert_eq!(found("local function f(a, ...) return f(a, b) end return a"), ["a:1", "b:1"]);
    assert_eq!(found("local f = function(n) return n and f(n) end"), ["f:1"]);
    assert_eq!(found("local T = {}\nfunction T.f(ctx) return ctx.x, y end\nT.f()"), ["y:2"]);
    assert_eq!(found("function global() end"), ["global:1"]);
    assert_eq!(found("local s = 'a -- b' -- c d\nlocal t = \"it's\" .. s\nreturn t"), Vec::<String>::new());
    assert_eq!(
        found("local a = 1\nlocal b = a\nredis.call(a, b)\nlocal c = #b + -a\nreturn c"),
        Vec::<String>::new()
    );
    assert_eq!(
        found("local a = redis.b(function() local c = 1 if c then return c end end)\nreturn a, c"),
        ["c:2"]
    );
    assert_eq!(found("local seen = {}\nseen[seen] = true\nwhile seen do break end"), Vec::<String>::new());
}

#[test]
fn what_is_read_and_made_of_a_table_is_found() {
    let found = fields("function T.a(T) end T.b = x.T.c == T.d(T.e)", "T");
    let expected = [("a", true), ("b", true), ("d", false), ("e", false)];
    assert_eq!(found, expected.map(|(name, makes)| (name.to_owned(), makes)));
}
