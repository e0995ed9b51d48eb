use super::ServerError;
use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
};

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// A unix socket.
    Unix(PathBuf),
    /// A port on 127.0.0.1.
    Tcp(u16),
}

/// The longest path of a unix socket: `sun_path` holds 108 bytes on Linux and 104 on macOS and
/// the BSDs, one of them the closing zero.
const MAX_SOCKET_PATH_BYTES: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

impl Address {
    /// The socket of a server in `dir`, an absolute path.
    pub(super) fn socket_in(dir: &Path) -> Result<Self, ServerError> {
        let path = dir.join("redis.sock");
        let bytes = path.as_os_str().len();
        if bytes > MAX_SOCKET_PATH_BYTES {
            return Err(ServerError::PathTooLong { path, bytes, max: MAX_SOCKET_PATH_BYTES });
        }
        Ok(Self::Unix(path))
    }

    /// A port that nobody listens on at this moment.
    pub(super) fn free_port() -> Result<Self, ServerError> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .map_err(ServerError::io("find a free port on", "127.0.0.1"))?
            .port();
        Ok(Self::Tcp(port))
    }

    /// The URL by which the redis crate connects.
    pub(super) fn url(&self) -> Result<String, ServerError> {
        match self {
            Self::Tcp(port) => Ok(format!("redis://127.0.0.1:{port}/")),
            Self::Unix(path) => {
                // A file URL percent-encodes the path; the crate decodes it in the same way.
                let file = url::Url::from_file_path(path).map_err(|()| ServerError::BadPath(path.clone()))?;
                Ok(format!("redis+unix://{}", file.path()))
            }
        }
    }

    /// The options of redis-server that make it listen here and nowhere else.
    pub(super) fn options(&self) -> Result<Vec<(String, String)>, ServerError> {
        let option = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        match self {
            Self::Tcp(port) => Ok(vec![option("bind", "127.0.0.1"), option("port", &port.to_string())]),
            Self::Unix(path) => {
                let text = path.to_str().ok_or_else(|| ServerError::BadPath(path.clone()))?;
                Ok(vec![option("port", "0"), option("unixsocket", text), option("unixsocketperm", "700")])
            }
        }
    }
}
