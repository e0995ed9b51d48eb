use super::ServerError;
use std::path::Path;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The URL by which the redis crate connects.
    pub(super) url: String,
    /// The options of redis-server that make it listen there and nowhere else.
    pub(super) options: Vec<(String, String)>,
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
        let text = path.to_str().ok_or_else(|| ServerError::BadPath(path.clone()))?;
        let option = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let options = vec![option("port", "0"), option("unixsocket", text), option("unixsocketperm", "700")];
        // A file URL percent-encodes the path; the crate decodes it in the same way.
        let file = url::Url::from_file_path(&path).map_err(|()| ServerError::BadPath(path.clone()))?;
        Ok(Self { url: format!("redis+unix://{}", file.path()), options })
    }
}
