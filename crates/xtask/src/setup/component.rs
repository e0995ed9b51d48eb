//! Parts of the Rust distribution, through rustup where it is.

use crate::workspace::Workspace;

/// Has rustup add `component`, if there is a rustup. Whether that worked shows when the
/// component is asked for its version.
pub(super) fn add(workspace: &Workspace, component: &str) {
    if has_rustup(workspace) {
        eprintln!("==> set-up: adding {component} to the Rust toolchain");
        if let Err(error) = workspace.program("rustup").args(["component", "add", component]).run() {
            eprintln!("{error}");
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
