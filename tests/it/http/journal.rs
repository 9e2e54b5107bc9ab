//! Every request that came, and the claims that a test lays to writes.

use homeostat::model::Timestamp;
use serde_json::Value;

use super::fault::Kind;

/// How a request said who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Auth {
    None,
    /// A token that this forge gave, by the login it acts as.
    Token(String),
    /// A signed assertion of an App.
    App,
    /// Anything else.
    Unknown,
}

/// One request and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// When it came, by the forge's clock.
    pub(crate) at: Timestamp,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) auth: Auth,
    pub(crate) body: Option<Value>,
    /// Whether a copy that the client has would do.
    pub(crate) conditional: bool,
    /// What was answered, as far as anything was.
    pub(crate) status: Option<u16>,
    pub(crate) fault: Option<Kind>,
    /// Whether a write took effect.
    pub(crate) applied: bool,
    pub(crate) claimed: bool,
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.target)?;
        match self.status {
            Some(status) => write!(f, " -> {status}")?,
            None => write!(f, " -> nothing")?,
        }
        match self.fault {
            Some(fault) => write!(f, " ({fault:?})"),
            None => Ok(()),
        }
    }
}
