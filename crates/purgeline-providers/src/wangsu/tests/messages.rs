use super::*;
use crate::wangsu::codes::{self, Channels, bracketed, named};
use proptest::prelude::*;

#[test]
fn each_message_of_the_seed_is_known() {
    for (message, code, class) in [
        ("username is invalid", "username-is-invalid", Class::Unauthorised),
        ("urls and dirs must not both be empty", "urls-and-dirs-must-not-both-be-empty", Class::ClientBug),
        ("the number of url and dir out of limit", "the-number-of-url-and-dir-out-of-limit", Class::QuotaDay),
        ("user not allowed push", "user-not-allowed-push", Class::Unauthorised),
        ("error channel [xxx,xxx].", "error-channel", Class::ItemDead),
        ("system exception", "system-exception", Class::Soon),
        ("running url or dir [ ],please try again after one minute.", "running-url-or-dir", Class::Delay),
        ("parse json error", "parse-json-error", Class::ClientBug),
        ("parse xml error", "parse-xml-error", Class::ClientBug),
        (
            "error channel [%s], dir number reached the daily limit by domain.",
            "dir-number-reached-the-daily-limit-by-domain",
            Class::QuotaDay,
        ),
        ("The calling frequency exceeds the limit", "frequency", Class::Delay),
        ("Too Many Requests", "frequency", Class::Delay),
        ("请求过于频繁", "frequency", Class::Delay),
        ("something new", "refused", Class::ClientBug),
        ("", "refused", Class::ClientBug),
    ] {
        for said in [message.to_owned(), message.to_uppercase(), format!("  Error: {message} (4711)")] {
            let known = codes::read(&said);
            assert_eq!((known.code, known.class), (code, class), "{said}");
        }
    }
}

#[test]
fn channels_are_read_from_between_the_brackets() {
    let read = |message| Channels::read(message);
    assert_eq!(read("error channel [a.com,b.com]."), Channels { refused: vec!["a.com,b.com"], full: vec![] });
    assert_eq!(
        read("error channel [a.com], dir number reached the daily limit by domain."),
        Channels { refused: vec![], full: vec!["a.com"] }
    );
    let both =
        "Error Channel [a.com]. ERROR CHANNEL [ b.com,c.com ], Dir number reached the Daily Limit by domain.";
    assert_eq!(read(both), Channels { refused: vec!["a.com"], full: vec!["b.com,c.com"] });
    assert_eq!(read("error channel"), Channels { refused: vec![""], full: vec![] });
    assert_eq!(read("频道 error channel [é.com]").refused, ["é.com"]);
}

#[test]
fn a_list_names_whole_texts() {
    assert_eq!(bracketed("running url or dir [ ],please"), "");
    assert_eq!(bracketed("[http://h/a?x=[1]]."), "http://h/a?x=[1]");
    assert_eq!(bracketed("]["), "");
    let list = "http://h/a,http://h/b?x=1,2, http://h/d/";
    let texts = [
        ("http://h/a", true),
        ("http://h/b?x=1,2", true),
        ("http://h/d/", true),
        ("http://h/d/", true),
        ("http://h/", false),
        ("http://h/b", false),
        ("h/a", false),
        ("http://h/d", false),
        // These would fit, were there not a longer one that does.
        ("http://h/b?x=1", false),
        ("2", false),
        ("", false),
    ];
    let (texts, expected): (Vec<_>, Vec<_>) = texts.into_iter().unzip();
    assert_eq!(named(list, &texts), expected);
    // Alone they do.
    assert_eq!(named(list, &["http://h/b?x=1"]), [true]);
}

proptest! {
    #[test]
    fn any_message_is_read(message in "\\PC{0,80}", dirs in any::<bool>()) {
        let message = if dirs { format!("error channel {message}") } else { message };
        let _ = codes::read(&message);
        let channels = Channels::read(&message);
        prop_assert!(channels.refused.iter().chain(&channels.full).all(|list| message.contains(list)));
        let _ = named(bracketed(&message), &["http://h/a", &message]);
    }
}
