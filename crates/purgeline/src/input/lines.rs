use super::{Given, GivenResource, Input, Origin, Unreadable};
use std::io::{self, BufRead, Read};

/// The longest line that is taken for an item's, in bytes. URLs end at about 10,000; a longer line
/// is no list of URLs.
const MAX_LINE_BYTES: usize = 65_536;

/// The front of a line that names a dir.
const DIR: &str = "dir ";

/// The front of a line that names a resource.
const RESOURCE: &str = "resource ";

impl Input {
    /// Reads one item a line: a URL, `dir ` and a prefix, or `resource ` and its JSON. White space
    /// around it is ignored, and so are empty lines and those that begin with `#`.
    pub(super) fn read_lines(&mut self, file: &str, mut from: impl BufRead) -> io::Result<()> {
        let file = file.into();
        let mut bytes = Vec::new();
        for line in 1.. {
            bytes.clear();
            // One more than a line may have, and its line break.
            let limit = MAX_LINE_BYTES as u64 + 2;
            if from.by_ref().take(limit).read_until(b'\n', &mut bytes)? == 0 {
                break;
            }
            let origin = Origin::Line { file: std::sync::Arc::clone(&file), line };
            let whole = bytes.ends_with(b"\n");
            if line == 1 && bytes.starts_with(b"\xEF\xBB\xBF") {
                bytes.drain(..3); // A byte order mark is no part of the first item.
            }
            let text = bytes.trim_ascii();
            if text.len() > MAX_LINE_BYTES {
                let reason = format!("longer than {MAX_LINE_BYTES} bytes: write one item a line");
                self.unreadable.push(Unreadable { text: shown(text), origin, reason });
                if !whole {
                    skip_line(&mut from)?;
                }
                continue;
            }
            match std::str::from_utf8(text) {
                Ok(text) => self.take_line(text, origin),
                Err(error) => {
                    let at = error.valid_up_to();
                    let byte = text.get(at).copied().unwrap_or_default();
                    let reason = format!(
                        "not UTF-8 (byte 0x{byte:02X} after {at} good ones): save the file as UTF-8, \
                         or percent-encode the URL"
                    );
                    self.unreadable.push(Unreadable { text: shown(text), origin, reason });
                }
            }
        }
        Ok(())
    }

    fn take_line(&mut self, line: &str, origin: Origin) {
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        if let Some(text) = line.strip_prefix(DIR) {
            self.dirs.push(Given { text: text.trim_start().to_owned(), origin });
        } else if let Some(text) = line.strip_prefix(RESOURCE) {
            self.take_resource(text, origin);
        } else {
            self.urls.push(Given { text: line.to_owned(), origin });
        }
    }

    fn take_resource(&mut self, text: &str, origin: Origin) {
        match serde_json::from_str(text) {
            Ok(resource) => self.resources.push(GivenResource { resource, origin }),
            Err(error) => {
                let reason = format!(
                    "not a resource ({error}): write resource {{\"title\": \"Sales\", \"params\": {{\"year\": 2026}}}}"
                );
                self.unreadable.push(Unreadable { text: shown(text.as_bytes()), origin, reason });
            }
        }
    }
}

/// Reads on to the end of the line, keeping nothing.
fn skip_line(from: &mut impl BufRead) -> io::Result<()> {
    from.skip_until(b'\n').map(drop)
}

/// The front of a line, with what is not text replaced.
fn shown(bytes: &[u8]) -> String {
    const MAX_SHOWN: usize = 200;
    let front = &bytes[..bytes.len().min(MAX_SHOWN)];
    String::from_utf8_lossy(front).into_owned()
}
