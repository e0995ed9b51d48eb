use crate::global::{Global, LogFormat};
use std::io::{self, IsTerminal};
use tracing_subscriber::{
    EnvFilter, filter::LevelFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

/// What is logged at each step of `-v`; a service starts one step further.
const LEVELS: [&str; 4] = ["warn", "info", "debug", "trace"];

/// Starts logging to standard error. `RUST_LOG`, if set, decides what is logged, else `-v`.
pub(crate) fn start(global: &Global, service: bool) {
    let filter = EnvFilter::builder()
        .try_from_env()
        .unwrap_or_else(|_| EnvFilter::new(directives(global.verbose, service)));
    let registry = tracing_subscriber::registry().with(filter);
    // A second subscriber can only fail to take the first one's place, and there is none.
    let _ = match global.log {
        LogFormat::Human => {
            let ansi = io::stderr().is_terminal();
            let layer = fmt::layer().with_writer(io::stderr).with_target(false).with_ansi(ansi);
            registry.with(layer).try_init()
        }
        LogFormat::Json => {
            let layer = fmt::layer().json().flatten_event(true).with_writer(io::stderr);
            registry.with(layer).try_init()
        }
    };
}

/// Our own crates at the level asked for, the libraries' at warnings alone until everything is.
fn directives(verbose: u8, service: bool) -> String {
    let at = usize::from(verbose) + usize::from(service);
    match LEVELS.get(at) {
        Some(&level) if at < 2 => level_of_ours(level),
        Some(&level) => format!("info,{}", level_of_ours(level)),
        None => LevelFilter::TRACE.to_string(),
    }
}

fn level_of_ours(level: &str) -> String {
    let crates = ["", "_core", "_queue", "_producer", "_providers", "_worker", "_sim"];
    let ours: Vec<_> = crates.iter().map(|name| format!("purgeline{name}={level}")).collect();
    format!("warn,{}", ours.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_v_says_more() {
        for (verbose, service, has) in [
            (0, false, "purgeline=warn"),
            (0, true, "purgeline=info"),
            (1, false, "purgeline_worker=info"),
            (2, true, "purgeline_queue=trace"),
            (9, false, "trace"),
        ] {
            let directives = directives(verbose, service);
            assert!(directives.split(',').any(|part| part == has), "{verbose} {service}: {directives}");
            assert!(EnvFilter::try_new(&directives).is_ok(), "{directives}");
        }
    }
}
