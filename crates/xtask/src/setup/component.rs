//! Parts of the Rust distribution, through rustup where it is.

use crate::{
    need::{Need, Presence, Source},
    workspace::Workspace,
};

/// Has rustup add the components among `lacking`, if there is a rustup. Whether that worked shows
/// when a component is asked for its version.
pub(super) fn add(workspace: &Workspace, lacking: &[(Need, Presence)]) {
    for (need, _) in lacking {
        let Source::RustComponent { component, .. } = need.source else {
            continue;
        };
        if has_rustup(workspace) {
            eprintln!("==> set-up: adding {component} to the Rust toolchain");
            let add = workspace.program("rustup").args(["component", "add", component]);
            if let Err(error) = add.run() {
                eprintln!("{error}");
            }
        }
    }
}

/// What somebody without `component` can do.
pub(super) fn advice(workspace: &Workspace, component: &str, debian_package: &str) -> String {
    if has_rustup(workspace) {
        format!("run `rustup component add {component}` where there is a network")
    } else {
        format!(
            "this Rust did not come through rustup: install {component} from where it came \
             (Debian's package is {debian_package})"
        )
    }
}

fn has_rustup(workspace: &Workspace) -> bool {
    workspace.program("rustup").arg("--version").quiet().output().is_ok()
}
