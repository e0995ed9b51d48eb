use crate::{exit::Exit, failure::Failure, global::Global, stop::StopSignals};
use clap::Args;
use purgeline_sim::{Options, PROVIDERS};
use serde::Serialize;
use serde_json::Value;
use std::{fmt, net::SocketAddr};

/// The arguments of `purgeline sim`.
#[derive(Debug, Args)]
pub(crate) struct SimArgs {
    /// The provider to play
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(PROVIDERS.iter().copied()))]
    provider: String,
    /// The address to listen at; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The simulator's settings as a JSON object. Without, the documented limits hold, and the
    /// account's keys are sim-access-key and sim-secret-key
    #[arg(long, value_name = "JSON", value_parser = json)]
    settings: Option<Value>,
}

/// What `purgeline sim` answers when it listens.
#[derive(Debug, Serialize)]
struct Listening {
    provider: &'static str,
    base_url: String,
}

/// Plays a provider until stopped.
///
/// # Errors
/// When the settings are wrong, or the address cannot be listened at.
pub(crate) async fn run(global: &Global, args: &SimArgs) -> Result<Exit, Failure> {
    let mut signals = StopSignals::listen()?;
    let settings = args.settings.clone().unwrap_or(Value::Null);
    let sim = purgeline_sim::start(&args.provider, Options::at(args.listen), settings).await?;
    let base_url = sim.base_url().to_owned();
    global.output.answer(&Listening { provider: sim.provider(), base_url })?;
    signals.next().await;
    sim.stop().await;
    Ok(Exit::Done)
}

fn json(text: &str) -> Result<Value, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if value.is_object() { Ok(value) } else { Err("expected a JSON object".to_owned()) }
}

impl fmt::Display for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider, base_url } = self;
        write!(
            f,
            "{provider} is played at {base_url}: set it as base_url in the settings of a target\n\
             its log: {base_url}/_sim/log and {base_url}/_sim/stats; end it with Ctrl-C"
        )
    }
}
