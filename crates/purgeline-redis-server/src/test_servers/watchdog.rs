use crate::ServerError;
use std::{
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

/// Kills a process when this one is gone, in whatever way it goes.
///
/// A shell waits on a pipe whose other end only this process has: the kernel closes it at our
/// death, and the shell kills. `PR_SET_PDEATHSIG` would need unsafe code between fork and exec,
/// exists on Linux only, and fires at the death of the *thread* that forked.
#[derive(Debug)]
pub(super) struct Watchdog(Child);

impl Watchdog {
    /// Watches over `pid`, which must be a child that nobody has waited for: so its number
    /// cannot have gone to another process.
    pub(super) fn over(pid: u32) -> Result<Self, ServerError> {
        Command::new("/bin/sh")
            .args(["-c", "read -r _; kill -9 \"$1\"", "purgeline-watchdog"])
            .arg(pid.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A Ctrl-C that ends us must not end it before it has done its work.
            .process_group(0)
            .spawn()
            .map(Self)
            .map_err(ServerError::io("start", "/bin/sh"))
    }
}

impl Drop for Watchdog {
    /// Ends the watch, killing nobody else.
    fn drop(&mut self) {
        // Both can only fail if it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
