mod view;

use crate::{
    cli::Global,
    config::Secrets,
    exit::Exit,
    failure::Failure,
    input::{Param, resources},
    session::Session,
};
use clap::Args;
use purgeline_core::{Action, Item, TargetName};
use purgeline_providers::ConfiguredTarget;
use view::{AtTarget, UrlView};

/// The arguments of `purgeline url`.
#[derive(Debug, Args)]
pub(crate) struct UrlArgs {
    /// The URL
    #[arg(required_unless_present = "resource")]
    url: Option<String>,
    /// It is a dir: a prefix that ends with "/"
    #[arg(long, requires = "url")]
    dir: bool,
    /// A data resource by its title, instead of a URL
    #[arg(long, value_name = "TITLE", conflicts_with = "url")]
    resource: Option<String>,
    /// A parameter of the resource: JSON where it reads as JSON, else a text. May be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", requires = "resource")]
    params: Vec<Param>,
    /// Look at this target alone, instead of all that serve the URL's host
    #[arg(long, value_name = "NAME")]
    target: Option<TargetName>,
    /// The action that was asked for: default, expire or delete
    #[arg(long, default_value_t)]
    action: Action,
}

/// Tells how a URL fares at each target.
///
/// # Errors
/// When it is no URL, no target serves it, or Redis cannot be asked.
pub(crate) async fn run(global: &Global, args: &UrlArgs) -> Result<Exit, Failure> {
    let item = item(args).map_err(Failure::Input)?;
    let session = Session::open(global, Secrets::Skip).await?;
    let targets: Vec<&ConfiguredTarget> = match &args.target {
        Some(name) => vec![session.target(name)?],
        None => session.targets.iter().filter(|target| target.serves(&item)).collect(),
    };
    if targets.is_empty() {
        return Err(Failure::NotThere(format!(
            "no target serves {item}: look at a target's hosts with `purgeline target list`, or name one with --target"
        )));
    }
    let mut view = UrlView { item: item.name(args.action), targets: Vec::new() };
    for target in targets {
        view.targets.push(AtTarget::read(&session.queue.inspect(), target, &item, args.action).await?);
    }
    global.output.answer(&view)?;
    Ok(Exit::Done)
}

fn item(args: &UrlArgs) -> Result<Item, String> {
    let made = match (&args.url, &args.resource) {
        (Some(url), _) if args.dir => Item::dir(url),
        (Some(url), _) => Item::url(url),
        (None, title) => {
            let titles: Vec<_> = title.iter().cloned().collect();
            let resources = resources(&titles, &args.params)?;
            let resource = resources.first().ok_or("expected a URL, or --resource")?;
            Item::resource(resource)
        }
    };
    made.map_err(|error| error.to_string())
}
