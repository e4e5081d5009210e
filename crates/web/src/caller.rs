//! Who a request comes from: what its credential says, and nothing that a client could write beside it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A part of the interface that a credential can open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// To read.
    Queries,
    /// To change.
    Commands,
    /// To see after the system: metrics, dead letters, webhooks.
    Operations,
}

impl Scope {
    /// Every scope there is.
    pub const ALL: [Self; 3] = [Self::Queries, Self::Commands, Self::Operations];

    /// Its name, as credentials and documents write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queries => "queries",
            Self::Commands => "commands",
            Self::Operations => "operations",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Queries => 1,
            Self::Commands => 2,
            Self::Operations => 4,
        }
    }
}

/// A set of scopes. Written as `queries,commands`; in JSON as a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Scope>", into = "Vec<Scope>")]
pub struct Scopes(u8);

impl Scopes {
    /// All of them.
    #[must_use]
    pub fn all() -> Self {
        Self::from(Scope::ALL.to_vec())
    }

    /// Whether `scope` is among them.
    #[must_use]
    pub fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl From<Vec<Scope>> for Scopes {
    fn from(scopes: Vec<Scope>) -> Self {
        Self(scopes.into_iter().fold(0, |set, scope| set | scope.bit()))
    }
}

impl From<Scopes> for Vec<Scope> {
    fn from(scopes: Scopes) -> Self {
        Scope::ALL.into_iter().filter(|scope| scopes.has(*scope)).collect()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Vec::from(*self).into_iter().map(Scope::name).collect();
        f.write_str(&names.join(","))
    }
}

impl FromStr for Scopes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let scope = |name: &str| {
            let known = Scope::ALL.into_iter().find(|scope| scope.name() == name);
            known.ok_or_else(|| format!("{name:?} is no scope: there are queries, commands and operations"))
        };
        text.split(',').map(str::trim).map(scope).collect::<Result<Vec<_>, _>>().map(Self::from)
    }
}

/// Who a request comes from. Whoever let it in puts one among its extensions, as an [`Arc`].
///
/// On an address that is open to everybody there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose data it works with.
    pub tenant: Arc<str>,
    /// What is recorded with all it does: `key:<name>`, or `jwt:<subject>@<issuer>`.
    pub actor: Arc<str>,
    /// What it may do.
    pub scopes: Scopes,
    /// The id of its API key, if that is its credential.
    pub key_id: Option<Arc<str>>,
    /// How much of the stock it may hold back.
    pub holds: HoldLimits,
}

/// How much of the stock a credential may hold back from others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HoldLimits {
    /// Units in holds that have not ended; unbounded if there is none.
    pub units_max: Option<u64>,
    /// Seconds that a hold may last; what everybody may if there is none.
    pub seconds_max: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_as_they_are_written() {
        for text in ["queries", "commands,operations", "queries,commands,operations"] {
            let scopes: Scopes = text.parse().unwrap();
            assert_eq!(scopes.to_string(), text);
            assert_eq!(serde_json::from_str::<Scopes>(&serde_json::to_string(&scopes).unwrap()).unwrap(), scopes);
        }
        assert_eq!(" commands, queries".parse::<Scopes>().unwrap().to_string(), "queries,commands");
        assert!("queries,all".parse::<Scopes>().unwrap_err().contains("\"all\""));
        assert!("".parse::<Scopes>().is_err());
        let queries: Scopes = "queries".parse().unwrap();
        assert!(queries.has(Scope::Queries) && !queries.has(Scope::Commands) && !queries.has(Scope::Operations));
    }
}
