use crate::{cli::Global, config::Secrets, exit::Exit, failure::Failure, output::table, session::Session};
use purgeline_core::{HostPattern, TargetName};
use purgeline_queue::TargetStats;
use serde::Serialize;
use std::fmt;

/// What `purgeline target list` answers.
#[derive(Debug, Serialize)]
struct Targets {
    targets: Vec<Listed>,
}

#[derive(Debug, Serialize)]
struct Listed {
    name: TargetName,
    provider: &'static str,
    hosts: Vec<HostPattern>,
    #[serde(flatten)]
    stats: TargetStats,
}

pub(super) async fn run(global: &Global) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Skip).await?;
    let mut targets = Vec::new();
    for target in &session.targets {
        targets.push(Listed {
            name: target.target.name.clone(),
            provider: target.descriptor.name,
            hosts: target.config.hosts.clone(),
            stats: session.queue.inspect().stats(&target.target).await?,
        });
    }
    global.output.answer(&Targets { targets })?;
    Ok(Exit::Done)
}

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.targets.is_empty() {
            return f.write_str("no targets are configured");
        }
        let headings = ["target", "provider", "waiting", "delayed", "in batches", "dead", "held", "hosts"];
        let mut list = table(&headings);
        for Listed { name, provider, hosts, stats } in &self.targets {
            let holds: Vec<_> = stats.holds.iter().map(|hold| hold.name.as_str()).collect();
            let hosts: Vec<_> = hosts.iter().map(ToString::to_string).collect();
            let or_none = |texts: Vec<&str>| if texts.is_empty() { "-".to_owned() } else { texts.join(" ") };
            list.add_row([
                name.to_string(),
                (*provider).to_owned(),
                stats.pending.to_string(),
                stats.delayed.to_string(),
                stats.in_batches.to_string(),
                stats.dead_letters.to_string(),
                or_none(holds),
                or_none(hosts.iter().map(String::as_str).collect()),
            ]);
        }
        f.write_str(&list.trim_fmt())
    }
}
