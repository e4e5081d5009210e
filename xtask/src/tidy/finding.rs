//! What a check has to say: where, what, why it matters, what to do.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug)]
pub(crate) struct Finding {
    /// Path from the root of the repository.
    pub(crate) path: String,
    /// Counted from 1.
    pub(crate) line: usize,
    /// What is wrong.
    pub(crate) what: String,
    /// Why we care.
    pub(crate) why: &'static str,
    /// The way out.
    pub(crate) fix: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:{}: {}", self.path, self.line, self.what)?;
        writeln!(f, "    why: {}", self.why)?;
        write!(f, "    do:  {}", self.fix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_where_what_why_and_what_to_do() {
        let finding = Finding { path: "a.rs".into(), line: 7, what: "a knot".into(), why: "it hurts", fix: "untie it" };
        assert_eq!(finding.to_string(), "a.rs:7: a knot\n    why: it hurts\n    do:  untie it");
    }
}
