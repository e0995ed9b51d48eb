use super::author::Author;
use crate::{cli::Global, config::Secrets, exit::Exit, failure::Failure, output::HoldText, session::Session};
use clap::Args;
use jiff::SignedDuration;
use purgeline_core::{Cause, Class, TargetName};
use purgeline_queue::{Hold, HoldName};
use serde::Serialize;
use std::{fmt, str::FromStr};

/// The arguments of `purgeline target pause`.
#[derive(Debug, Args)]
pub(super) struct PauseArgs {
    /// The target's name
    name: TargetName,
    /// Why, for whoever looks later
    #[arg(long, value_name = "TEXT")]
    reason: Reason,
    #[command(flatten)]
    author: Author,
    /// For how long, as in 45m or "2h 30m"; without it until `target resume`
    #[arg(long = "for", value_name = "DURATION")]
    span: Option<PauseSpan>,
}

/// Words of an operator: not none, and at most as many as are kept of a provider's.
#[derive(Clone, Debug)]
struct Reason(String);

/// A time that a pause lasts: a millisecond to a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PauseSpan {
    ms: u64,
}

/// What `purgeline target pause` answers.
#[derive(Debug, Serialize)]
struct Paused {
    target: TargetName,
    hold: Hold,
}

/// The code in front of an operator's words, where a provider's has its own.
const BY_HAND: &str = "by-hand";

const LONGEST_MS: u64 = 366 * 86_400_000;

pub(super) async fn run(global: &Global, args: &PauseArgs) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Skip).await?;
    let target = &session.target(&args.name)?.target;
    let cause = Cause::new(Class::Delay, BY_HAND, &args.reason.0);
    let for_ms = args.span.map(|span| span.ms);
    let queue = &session.queue;
    let taken = queue.operate().hold(target, HoldName::Paused, for_ms, &cause, &args.author.name()).await?;
    let paused = HoldName::Paused.to_string();
    let stands = queue.inspect().holds(target).await?.into_iter().find(|hold| hold.name == paused);
    let Some(hold) = stands else {
        return Err(Failure::NotDone(format!(
            "{} was resumed at the same moment: pause it again",
            args.name
        )));
    };
    if !taken {
        return Err(Failure::NotDone(format!(
            "{} is paused for longer already: {}; to pause it otherwise, first `purgeline target resume {}`",
            args.name,
            HoldText(&hold),
            args.name
        )));
    }
    global.output.answer(&Paused { target: args.name.clone(), hold })?;
    Ok(Exit::Done)
}

impl FromStr for Reason {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (text, most) = (text.trim(), Cause::MAX_MESSAGE_CHARS);
        match text.chars().count() {
            0 => Err("expected a reason: others will ask why nothing goes".to_owned()),
            count if count > most => Err(format!("it is {count} characters long: expected at most {most}")),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

impl FromStr for PauseSpan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected a time of a millisecond to a year, as in 45m or \"2h 30m\"";
        let span: SignedDuration = text.parse().map_err(|_| expected.to_owned())?;
        let ms = u64::try_from(span.as_millis()).map_err(|_| expected.to_owned())?;
        if (1..=LONGEST_MS).contains(&ms) { Ok(Self { ms }) } else { Err(expected.to_owned()) }
    }
}

impl fmt::Display for Paused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.target, HoldText(&self.hold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_people_write_them() {
        for (text, ms) in [("45m", 2_700_000), ("2h 30m", 9_000_000), ("90s", 90_000), ("PT1H", 3_600_000)] {
            assert_eq!(text.parse(), Ok(PauseSpan { ms }), "{text}");
        }
        for bad in ["", "0s", "-1h", "soon", "5", "99999h"] {
            assert!(bad.parse::<PauseSpan>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_reason_has_words() {
        assert_eq!(" moving caches ".parse::<Reason>().unwrap().0, "moving caches");
        assert!("  ".parse::<Reason>().is_err() && "x".repeat(501).parse::<Reason>().is_err());
    }
}
