use crate::{ServerError, address::Address};
use std::net::{Ipv4Addr, TcpListener};

/// A port of 127.0.0.1 that nobody listens on at this moment.
pub(super) fn free() -> Result<u16, ServerError> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_err(ServerError::io("find a free port on", "127.0.0.1"))?
        .port())
}

/// A port of 127.0.0.1 as the place where a server listens.
pub(super) fn address(port: u16) -> Address {
    Address {
        url: format!("redis://127.0.0.1:{port}/"),
        options: vec![("bind".to_owned(), "127.0.0.1".to_owned()), ("port".to_owned(), port.to_string())],
    }
}
