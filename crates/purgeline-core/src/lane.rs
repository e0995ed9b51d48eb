use crate::{Action, Kind, Priority};
use std::{fmt, str::FromStr};

/// A FIFO of pending items of one target that may share a provider call.
///
/// Its name is part of a Redis key: `normal/url`, `urgent/dir+delete`, and where the provider
/// bounds the hosts of a call `normal/url@www.example.com`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    /// Lanes of an earlier priority go first.
    pub priority: Priority,
    /// What its items are.
    pub kind: Kind,
    /// What is done to them.
    pub action: Action,
    /// Their host, where the provider bounds the hosts of a call.
    pub host: Option<String>,
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.priority, self.kind)?;
        if self.action != Action::Default {
            write!(f, "+{}", self.action)?;
        }
        if let Some(host) = &self.host {
            write!(f, "@{host}")?;
        }
        Ok(())
    }
}

impl FromStr for Lane {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (priority, rest) = text
            .split_once('/')
            .ok_or_else(|| format!("\"{text}\" is not a lane: expected PRIORITY/KIND"))?;
        let (rest, host) = match rest.split_once('@') {
            Some((rest, host)) => (rest, Some(host.to_owned())),
            None => (rest, None),
        };
        let (kind, action) = match rest.split_once('+') {
            Some((kind, action)) => (kind, action.parse()?),
            None => (rest, Action::Default),
        };
        Ok(Self { priority: priority.parse()?, kind: kind.parse()?, action, host })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_reads_back() {
        for name in ["normal/url", "urgent/dir+delete", "bulk/url+expire@www.example.com", "normal/resource"]
        {
            assert_eq!(name.parse::<Lane>().unwrap().to_string(), name);
        }
        assert!("url".parse::<Lane>().is_err());
        assert!("normal/urls".parse::<Lane>().is_err());
    }
}
