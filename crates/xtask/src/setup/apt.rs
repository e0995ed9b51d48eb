//! Packages of the system, through apt.

use anyhow::{Context, Result, bail};

use crate::{
    need::{Need, Presence, Source},
    workspace::Workspace,
};

/// What apt and the scripts of its packages see.
const ENVIRONMENT: [&str; 3] = [
    // Nobody is there to answer.
    "DEBIAN_FRONTEND=noninteractive",
    // No package starts its daemon: under systemd …
    "SYSTEMD_OFFLINE=1",
    // … nor under another init, which starts nothing in single-user mode.
    "RUNLEVEL=1",
];

/// How apt behaves.
const OPTIONS: [&str; 4] = [
    // Wait for another apt (seconds) rather than fail: fresh machines update themselves at boot.
    "-o",
    "DPkg::Lock::Timeout=300",
    // No progress bars in logs.
    "-o",
    "Dpkg::Use-Pty=0",
];

/// Installs the system packages among `lacking`, and does nothing when there are none. Services
/// that come with a new package are neither started now nor at boot; those that were here, in an
/// older version, are left as they were.
///
/// # Errors
///
/// Where there is no apt, no right to use it, or it fails.
pub(super) fn install(workspace: &Workspace, lacking: &[(Need, Presence)]) -> Result<()> {
    let Order { packages, services } = Order::of(lacking);
    if packages.is_empty() {
        return Ok(());
    }

    let wanted = packages.join(" ");
    if !runs(workspace, &["apt-get", "--version"]) {
        bail!("{wanted}: needed, and there is no apt-get here; install by hand, into PATH");
    }
    let right = Right::of(workspace)
        .with_context(|| format!("as root, run: apt-get install --no-install-recommends {wanted}"))?;

    eprintln!("==> set-up: installing {wanted}");
    // A fresh image has no package lists, an old one lists packages that are gone since.
    let known = runs(workspace, &[&["apt-cache", "show"], packages.as_slice()].concat());
    if !known || run(workspace, &right.install(&packages)).is_err() {
        run(workspace, &right.apt_get(&["update"]))?;
        run(workspace, &right.install(&packages))?;
    }
    for service in services {
        // The programs are wanted, not daemons that hold ports after the next boot.
        run(workspace, &right.as_root(&["update-rc.d", service, "disable"]))?;
    }
    Ok(())
}

/// What is to be installed, and which services are new with it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Order {
    packages: Vec<&'static str>,
    services: Vec<&'static str>,
}

/// By which right packages are installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    Root,
    Sudo,
}

// === impl Order ===

impl Order {
    fn of(lacking: &[(Need, Presence)]) -> Self {
        let mut order = Self::default();
        for (need, presence) in lacking {
            if let Source::SystemPackage { package, services } = need.source {
                order.packages.push(package);
                if *presence == Presence::Absent {
                    order.services.extend_from_slice(services);
                }
            }
        }
        order
    }
}

// === impl Right ===

impl Right {
    fn of(workspace: &Workspace) -> Result<Self> {
        let user = workspace.program("id").arg("-u").quiet().read()?;
        if user == "0" {
            Ok(Self::Root)
        } else if runs(workspace, &["sudo", "--version"]) {
            Ok(Self::Sudo)
        } else {
            bail!("user {user} may not install packages, and there is no sudo");
        }
    }

    fn install<'a>(self, packages: &[&'a str]) -> Vec<&'a str> {
        let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
        arguments.extend_from_slice(packages);
        self.apt_get(&arguments)
    }

    fn apt_get<'a>(self, arguments: &[&'a str]) -> Vec<&'a str> {
        let mut command = vec!["apt-get", "--quiet"];
        command.extend(OPTIONS);
        command.extend_from_slice(arguments);
        self.as_root(&command)
    }

    /// The environment goes inside `sudo`, which would drop it.
    fn as_root<'a>(self, command: &[&'a str]) -> Vec<&'a str> {
        let mut line = match self {
            Self::Root => vec!["env"],
            Self::Sudo => vec!["sudo", "env"],
        };
        line.extend(ENVIRONMENT);
        line.extend_from_slice(command);
        line
    }
}

fn run(workspace: &Workspace, line: &[&str]) -> Result<()> {
    let (program, arguments) = line.split_first().context("an empty command")?;
    Ok(workspace.program(program).args(arguments).run()?)
}

/// Whether a command succeeds. Shows nothing of it.
fn runs(workspace: &Workspace, line: &[&str]) -> bool {
    line.split_first().is_some_and(|(program, arguments)| {
        workspace.program(program).args(arguments).quiet().output().is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{need, version::Version};

    #[test]
    fn root_installs_without_questions_or_daemons() {
        assert_eq!(
            Right::Root.install(&["redis-server", "varnish"]).join(" "),
            "env DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 RUNLEVEL=1 \
             apt-get --quiet -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
             install --yes --no-install-recommends redis-server varnish"
        );
    }

    #[test]
    fn sudo_keeps_the_environment() {
        assert_eq!(
            Right::Sudo.apt_get(&["update"]).join(" "),
            "sudo env DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 RUNLEVEL=1 \
             apt-get --quiet -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 update"
        );
    }

    #[test]
    fn only_system_packages_are_ordered() {
        let lacking = [need::NEXTEST, need::VARNISH, need::RUSTFMT].map(|n| (n, Presence::Absent));
        assert_eq!(
            Order::of(&lacking),
            Order { packages: vec!["varnish"], services: vec!["varnish", "varnishncsa"] }
        );
    }

    #[test]
    fn the_service_of_an_old_package_is_somebodys_and_stays() {
        let old = Presence::TooOld { found: Version(6, 0, 16), at_least: Version(7, 0, 0) };
        assert_eq!(
            Order::of(&[(need::REDIS, old)]),
            Order { packages: vec!["redis-server"], services: vec![] }
        );
    }

    #[test]
    fn without_packages_nothing_is_run() {
        let workspace = Workspace::locate().expect("tests run inside the workspace");
        install(&workspace, &[(need::NEXTEST, Presence::Absent)]).expect("not even apt is looked for");
    }
}
