//! Every package beneath us has a licence that `deny.toml` allows.

use super::finding::Finding;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let allowed = allowed(tree.text("deny.toml"));
    let bad = tree.graph.packages().filter(|(_, package)| {
        let licence = package.licence.as_deref().unwrap_or_default();
        !package.ours && !is_allowed(licence, &allowed)
    });
    bad.map(|(name, package)| Finding {
        path: "deny.toml".into(),
        line: 1,
        what: format!(
            "the licence of `{name}` is not allowed: {}",
            package.licence.as_deref().unwrap_or("none stated")
        ),
        why: "whoever ships the binary must keep the terms of everything in it",
        fix: "choose another package, or add the licence to `allow` after reading it",
    })
    .collect()
}

/// The strings of `allow = [ … ]`.
fn allowed(deny: &str) -> Vec<&str> {
    let list = deny.split_once("allow = [").and_then(|(_, rest)| rest.split_once(']')).map_or("", |(list, _)| list);
    list.split('"').skip(1).step_by(2).collect()
}

/// Whether an SPDX expression can be met: any side of an OR (also written `/`), every side of an AND.
fn is_allowed(expression: &str, allowed: &[&str]) -> bool {
    let expression = expression.trim();
    if let Some((left, right)) = split_outside(expression, &[" OR ", "/"]) {
        return is_allowed(left, allowed) || is_allowed(right, allowed);
    }
    if let Some((left, right)) = split_outside(expression, &[" AND "]) {
        return is_allowed(left, allowed) && is_allowed(right, allowed);
    }
    match expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inside) => is_allowed(inside, allowed),
        None => allowed.contains(&expression.trim_end_matches('+')),
    }
}

/// Splits at the first operator that stands outside every bracket.
fn split_outside<'a>(expression: &'a str, operators: &[&str]) -> Option<(&'a str, &'a str)> {
    let mut depth = 0_i32;
    for (at, c) in expression.char_indices() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        let rest = expression.get(at..).filter(|_| depth == 0).unwrap_or_default();
        if let Some(operator) = operators.iter().find(|operator| rest.starts_with(**operator)) {
            return Some((expression.get(..at)?, rest.get(operator.len()..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str = "[licenses]\nallow = [\n  \"MIT\",\n  \"MPL-2.0\", \"Zlib\",\n]\n";

    fn tree(licence: Option<&str>) -> Tree {
        let mut tree = Tree::default().with("deny.toml", DENY);
        tree.graph.license("part", licence);
        tree
    }

    #[test]
    fn expressions_that_can_be_met_pass() {
        for licence in ["MIT", "Apache-2.0 OR MIT", "GPL-3.0/MIT", "(GPL-3.0 OR MIT) AND Zlib", "MPL-2.0+"] {
            assert!(check(&tree(Some(licence))).is_empty(), "{licence}");
        }
    }

    #[test]
    fn expressions_that_cannot_be_met_are_found() {
        for licence in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Zlib) AND GPL-3.0", "GPL-3.0 OR Apache-2.0", ""] {
            assert_eq!(check(&tree(Some(licence))).len(), 1, "{licence}");
        }
        assert_eq!(check(&tree(None)).len(), 1);
    }
}
