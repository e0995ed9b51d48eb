//! Prints `docs/providers.md` from what the providers declare:
//!
//! ```sh
//! cargo run -p purgeline-providers --example document > docs/providers.md
//! ```
#![allow(clippy::print_stdout, reason = "a program that prints a document")]

use purgeline_core::{
    Action, Class, Descriptor, Kind, PollSchedule, Quota, Rate, RateUnit, config::Settings,
};
use purgeline_providers::REGISTRY;
use std::{error::Error, fmt::Write};

const HEAD: &str = "\
# What the providers allow

Generated from what `purgeline-providers` declares, and checked by a test, so that it cannot differ
from what purgeline does; the sources of the figures stand beside them in the code. To print it anew:
`cargo run -p purgeline-providers --example document > docs/providers.md`.

A target's configuration can ask for less than a limit, never for more (unless the provider has
granted the account more: `limits.exceed_documented`).

";

#[allow(dead_code, reason = "the test of the document has this file as a module")]
fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", document()?);
    Ok(())
}

/// The document.
pub(crate) fn document() -> Result<String, Box<dyn Error>> {
    let mut text = HEAD.to_owned();
    let mut providers = Vec::new();
    for entry in REGISTRY {
        providers.push((entry.descriptor)(&example_settings(entry.name)?)?);
    }
    limits(&mut text, &providers)?;
    classes(&mut text)?;
    for provider in &providers {
        codes(&mut text, provider)?;
    }
    Ok(text)
}

/// Settings without which a provider cannot be described.
fn example_settings(provider: &str) -> Result<Settings, serde_json::Error> {
    serde_json::from_str(match provider {
        "http" => r#"{"nodes": ["http://127.0.0.1:6081"], "ban": {}}"#,
        "foresight" => r#"{"base_url": "http://127.0.0.1"}"#,
        _ => "{}",
    })
}

fn limits(text: &mut String, providers: &[Descriptor]) -> std::fmt::Result {
    let mut row = |name: &str, cell: &dyn Fn(&Descriptor) -> String| {
        let cells: Vec<_> = providers.iter().map(cell).collect();
        writeln!(text, "| {name} | {} |", cells.join(" | "))
    };
    row("", &|provider| format!("**{}**", provider.name))?;
    row("---", &|_| "---".to_owned())?;
    row("", &|provider| provider.title.to_owned())?;
    row("items a call", &|provider| provider.limits.call.max_items.to_string())?;
    row("of one kind", &|provider| {
        let kinds = &provider.limits.call.max_of_kind;
        kinds.iter().map(|(kind, max)| format!("{max} {kind}")).collect::<Vec<_>>().join(", ")
    })?;
    row("kinds mixed", &|provider| {
        yes(provider.limits.call.mix_kinds && provider.limits.call.max_of_kind.len() > 1)
    })?;
    row("hosts a call", &|provider| {
        provider.limits.call.max_hosts.map_or_else(|| "any".to_owned(), |max| max.to_string())
    })?;
    row("longest item, characters", &|provider| lengths(provider))?;
    row("an item that is being purged", &|provider| {
        if provider.rules.not_while_open { "waits until that has ended" } else { "goes at once" }.to_owned()
    })?;
    row("rates", &|provider| list(provider.limits.rates.iter().map(rate)))?;
    row("calls under way", &|provider| provider.limits.max_in_flight.to_string())?;
    row("quotas", &|provider| list(provider.limits.quotas.iter().map(quota)))?;
    row("actions told apart", &|provider| {
        let of_dirs = provider.dir_actions.map(|actions| format!("; for dirs: {}", names(actions)));
        format!("{}{}", names(provider.actions), of_dirs.unwrap_or_default())
    })?;
    row("auth", &|provider| provider.auth.to_owned())?;
    row("asked how it ended", &|provider| {
        provider.polls.as_ref().map_or_else(|| "no: the call is the end".to_owned(), polls)
    })?;
    row("result of each item", &|provider| yes(provider.per_item_result))
}

fn classes(text: &mut String) -> std::fmt::Result {
    writeln!(text, "\n## Classes\n\nWhat an answer means for what happens next.\n\n| class | |\n|---|---|")?;
    for class in Class::ALL {
        let meaning = match class {
            Class::Soon => "sent again with ordinary backoff, at most `max_attempts` times",
            Class::Delay => "sent again, not before the provider says or is known to need",
            Class::ItemDead => "that item fails; others of its call may be fine",
            Class::Unauthorised => {
                "the target, or items of one kind, are held until somebody mends it; nothing is lost"
            }
            Class::QuotaDay => "items wait, and coalesce, until the provider's next day",
            Class::Unknown => "it may have been carried out: sent again, since a purge can be sent twice",
            Class::ClientBug => {
                "the call itself was wrong, which is purgeline's fault: its items fail and say so"
            }
        };
        writeln!(text, "| `{class}` | {meaning} |")?;
    }
    Ok(())
}

fn codes(text: &mut String, provider: &Descriptor) -> std::fmt::Result {
    if provider.codes.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "\n## {}: {}\n\n| code | meaning | class |\n|---|---|---|",
        provider.name, provider.title
    )?;
    for code in provider.codes {
        writeln!(text, "| `{}` | {} | `{}` |", code.code, code.meaning, code.class)?;
    }
    Ok(())
}

fn yes(it_is: bool) -> String {
    if it_is { "yes" } else { "no" }.to_owned()
}

fn list(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() { "–".to_owned() } else { parts.join(", ") }
}

fn names(actions: &[Action]) -> String {
    list(actions.iter().map(ToString::to_string))
}

fn lengths(provider: &Descriptor) -> String {
    let bound = |kind: Kind| provider.rules.max_chars.get(&kind).map(|max| format!("{kind} {max}"));
    list(Kind::ALL.into_iter().filter_map(bound))
}

fn rate(rate: &Rate) -> String {
    let unit = match rate.unit {
        RateUnit::Calls => "calls",
        RateUnit::Items => "items",
        RateUnit::Urls => "URLs",
        RateUnit::Dirs => "dirs",
        RateUnit::Polls => "questions",
    };
    format!("{} {unit} in {}", rate.max, duration(rate.window_ms.get()))
}

fn quota(quota: &Quota) -> String {
    let of = if quota.per_host { " of a host" } else { "" };
    let items = quota.kind.map_or_else(|| "items".to_owned(), |kind| format!("{kind}s"));
    let zone = format!("(UTC{:+})", quota.day_utc_offset_hours);
    match quota.max {
        Some(max) => format!("{max} {items}{of} a day {zone}"),
        None => format!("as many {items}{of} a day as it tells {zone}"),
    }
}

fn polls(schedule: &PollSchedule) -> String {
    format!(
        "after {}, then every {} to {}, given up after {}",
        duration(schedule.first_ms),
        duration(schedule.then_ms),
        duration(schedule.max_ms),
        duration(schedule.deadline_ms)
    )
}

fn duration(ms: u64) -> String {
    match ms {
        ms if ms % 60_000 == 0 => format!("{} min", ms / 60_000),
        ms if ms % 1_000 == 0 => format!("{} s", ms / 1_000),
        ms => format!("{ms} ms"),
    }
}
