//! Consistency tokens: how far a reader must have read to see what its session has done.

use std::fmt;
use std::str::FromStr;

use smallvec::SmallVec;

use crate::event::{Epoch, PartitionId, Position};

/// No log has so many partitions that a token of all of them were longer.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// One position per partition that a session has touched, in one epoch of one log.
///
/// Written `<epoch>:<partition>.<position>,…`; opaque to clients.
///
/// ```
/// use cqrs::{Epoch, PartitionId, Token};
///
/// let token = Token::new(Epoch(uuid::Uuid::nil())).with(PartitionId(3), 41);
/// assert_eq!(token.to_string().parse::<Token>().unwrap(), token);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    epoch: Epoch,
    positions: SmallVec<[(PartitionId, Position); 1]>,
}

impl Token {
    /// A token that asks for nothing yet.
    #[must_use]
    pub fn new(epoch: Epoch) -> Self {
        Self { epoch, positions: SmallVec::new() }
    }

    /// Asks for `partition` up to `position` as well.
    #[must_use]
    pub fn with(mut self, partition: PartitionId, position: Position) -> Self {
        self.require(partition, position);
        self
    }

    /// Asks for `partition` up to `position` as well.
    pub fn require(&mut self, partition: PartitionId, position: Position) {
        match self.positions.iter_mut().find(|(p, _)| *p == partition) {
            Some((_, known)) => *known = position.max(*known),
            None => self.positions.push((partition, position)),
        }
    }

    /// Asks for all that `other` asks for.
    pub fn merge(&mut self, other: &Self) {
        for &(partition, position) in &other.positions {
            self.require(partition, position);
        }
    }

    /// The log it speaks of.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Its positions.
    #[must_use]
    pub fn positions(&self) -> &[(PartitionId, Position)] {
        &self.positions
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.epoch.0.as_simple())?;
        for (i, (partition, position)) in self.positions.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{partition}.{position}")?;
        }
        Ok(())
    }
}

/// The text is no consistency token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a consistency token: send back one that an answer carried, unchanged")]
pub struct NotAToken;

impl FromStr for Token {
    type Err = NotAToken;

    fn from_str(text: &str) -> Result<Self, NotAToken> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(NotAToken);
        }
        let (epoch, rest) = text.split_once(':').ok_or(NotAToken)?;
        let mut token = Self::new(Epoch(epoch.parse().map_err(|_| NotAToken)?));
        for part in rest.split(',').filter(|part| !part.is_empty()) {
            let (partition, position) = part.split_once('.').ok_or(NotAToken)?;
            let partition = partition.parse().map_err(|_| NotAToken)?;
            token.require(PartitionId(partition), position.parse().map_err(|_| NotAToken)?);
        }
        Ok(token)
    }
}
