//! Builds: the sets of rows that a view has side by side, of which queries read the live one.

use crate::event::Epoch;

/// Which build of a model is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Build {
    /// The one that queries read.
    Live,
    /// The one of this number, 1 or more, unique in the model's name and version.
    Number(u32),
}

/// What a build is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Queries of its version read it.
    Live,
    /// It is being filled; nobody reads it.
    Shadow,
    /// It was live before the last swap, and can be again.
    Kept,
}

/// A build, as a store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildInfo {
    /// The version of the model whose rows it has.
    pub version: u32,
    /// Its number.
    pub number: u32,
    /// The log its rows come from.
    pub epoch: Epoch,
    /// The indexes it was made with.
    pub indexes: Vec<String>,
    /// What it is there for.
    pub role: Role,
}

/// How two builds differ that have read equally far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Keys looked at: those of either.
    pub rows: u64,
    /// Rows that only the live build has.
    pub only_live: u64,
    /// Rows that only the new build has.
    pub only_new: u64,
    /// Rows that both have, and not the same.
    pub different: u64,
    /// The first keys that are not the same in both.
    pub keys: Vec<String>,
}

impl Compared {
    /// Whether both are the same.
    #[must_use]
    pub fn same(&self) -> bool {
        self.differences() == 0
    }

    /// How many keys are not the same in both.
    #[must_use]
    pub fn differences(&self) -> u64 {
        self.only_live + self.only_new + self.different
    }

    /// Takes in the next key in order: its row in either build, of which there is at least one.
    pub fn see<Row: PartialEq>(&mut self, key: &str, live: Option<&Row>, new: Option<&Row>, keys_max: usize) {
        self.rows += 1;
        match (live, new) {
            (Some(live), Some(new)) if live == new => return,
            (Some(_), Some(_)) => self.different += 1,
            (Some(_), None) => self.only_live += 1,
            (None, _) => self.only_new += 1,
        }
        if self.keys.len() < keys_max {
            self.keys.push(key.to_owned());
        }
    }
}
