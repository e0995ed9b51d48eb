use crate::{
    exit::Exit,
    failure::Failure,
    global::Global,
    output::{Human, table},
    session::Session,
};
use purgeline_config::Secrets;
use purgeline_ops::{TargetList, TargetSummary};
use std::fmt;

pub(super) async fn run(global: &Global) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Skip).await?;
    let targets = session.ops().targets().list().await?;
    global.output.answer(&Human(&targets))?;
    Ok(Exit::Done)
}

impl fmt::Display for Human<'_, TargetList> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.targets.is_empty() {
            return f.write_str("no targets are configured");
        }
        let headings = ["target", "provider", "waiting", "delayed", "in batches", "dead", "held", "hosts"];
        let mut list = table(&headings);
        for TargetSummary { name, provider, hosts, stats } in &self.0.targets {
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
