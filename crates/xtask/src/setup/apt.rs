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

/// What fetches is ended after so many seconds: apt has been seen to wait for ever after a lost
/// connection. What unpacks is not, because that would leave a package half installed.
const NETWORK_BOUND: &[&str] = &["timeout", "300"];

const APT_GET: &[&str] = &[
    "apt-get",
    "--quiet",
    // Wait for another apt (seconds) rather than fail: fresh machines update themselves at boot.
    "-o",
    "DPkg::Lock::Timeout=120",
    // No progress bars in logs.
    "-o",
    "Dpkg::Use-Pty=0",
];

const INSTALL: &[&str] = &["install", "--yes", "--no-install-recommends"];

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
    let listed = runs(workspace, &[&["apt-cache", "show"], packages.as_slice()].concat());
    if !listed || run(workspace, &right.download(&packages)).is_err() {
        twice(workspace, &right.update())?;
        twice(workspace, &right.download(&packages))?;
    }
    run(workspace, &right.install(&packages))?;
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

    fn update(self) -> Vec<&'static str> {
        self.as_root(&[NETWORK_BOUND, APT_GET, &["update"]].concat())
    }

    fn download<'a>(self, packages: &[&'a str]) -> Vec<&'a str> {
        self.as_root(&[NETWORK_BOUND, APT_GET, INSTALL, &["--download-only"], packages].concat())
    }

    fn install<'a>(self, packages: &[&'a str]) -> Vec<&'a str> {
        self.as_root(&[APT_GET, INSTALL, packages].concat())
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

/// Runs a command that needs the network, and once more if it fails.
fn twice(workspace: &Workspace, line: &[&str]) -> Result<()> {
    run(workspace, line).or_else(|_| run(workspace, line))
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
             apt-get --quiet -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 \
             install --yes --no-install-recommends redis-server varnish"
        );
    }

    #[test]
    fn sudo_keeps_the_environment_and_what_fetches_is_bounded() {
        let sudo = "sudo env DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 RUNLEVEL=1";
        let apt = "timeout 300 apt-get --quiet -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0";
        assert_eq!(Right::Sudo.update().join(" "), format!("{sudo} {apt} update"));
        assert_eq!(
            Right::Sudo.download(&["varnish"]).join(" "),
            format!("{sudo} {apt} install --yes --no-install-recommends --download-only varnish")
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
