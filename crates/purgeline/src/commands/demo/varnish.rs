use super::stage::Fallible;
use purgeline_providers::http::VARNISH_VCL;
use std::{net::SocketAddr, process::Stdio};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

/// A real varnishd in front of an origin, with the VCL of the documentation and a directory of
/// its own.
pub(super) struct Varnish {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub(super) address: String,
    _directory: TempDir,
}

impl Varnish {
    pub(super) async fn start(origin: SocketAddr) -> Fallible<Self> {
        let directory = tempfile::tempdir()?;
        let (name, vcl) = (directory.path().join("varnish"), directory.path().join("purgeline.vcl"));
        std::fs::write(&vcl, VARNISH_VCL.replace("\"8080\"", &format!("\"{}\"", origin.port())))?;
        let mut child = Command::new("varnishd")
            .args(["-F", "-j", "none", "-a", "127.0.0.1:0", "-s", "malloc,64m", "-f"])
            .arg(&vcl)
            .arg("-n")
            .arg(&name)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("varnishd cannot be started ({error}): install the package varnish"))?;
        let said = child.stderr.take().ok_or("varnishd has no standard error")?;
        let mut lines = BufReader::new(said).lines();
        let mut heard = Vec::new();
        while let Some(line) = lines.next_line().await? {
            let up = line.contains("Child starts");
            heard.push(line);
            if up {
                break;
            }
        }
        // A pipe that nobody reads would fill.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        // The command line answers only when the child listens: "a0 127.0.0.1 39203".
        let answer = Command::new("varnishadm")
            .arg("-n")
            .arg(&name)
            .args(["-t", "60", "debug.listen_address"])
            .output()
            .await?;
        let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
        let mut words = answer.split_whitespace().skip(1);
        let (Some(host), Some(port)) = (words.next(), words.next()) else {
            return Err(format!("varnishd does not listen: {answer}\n{}", heard.join("\n")).into());
        };
        Ok(Self { child, address: format!("http://{host}:{port}"), _directory: directory })
    }

    /// Ends it and waits for its end. Its own child, which holds the cache, ends when the pipe
    /// between the two closes.
    pub(super) async fn stop(mut self) -> std::io::Result<()> {
        self.child.kill().await
    }
}
