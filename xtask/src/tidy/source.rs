//! Tells Rust code from its comments and its strings, so that a rule about code does not bark at prose.

/// What a character of a source file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Everything the compiler acts on, the quotes of a string included.
    Code,
    /// A comment, its slashes included.
    Comment,
    /// The inside of a string or of a character literal.
    Text,
}

/// The source with everything but the kinds to `keep` turned into spaces: lines and columns stay where they were.
pub(crate) fn only(source: &str, keep: &[Kind]) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut kept = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let (kind, length) = next(&chars, at);
        let run = chars.iter().skip(at).take(length);
        kept.extend(run.map(|&c| if c == '\n' || keep.contains(&kind) { c } else { ' ' }));
        at += length;
    }
    kept
}

/// The lines, counted from 1, on which `pattern` stands as a whole word.
pub(crate) fn lines_with(text: &str, pattern: &str) -> Vec<usize> {
    let has = |line: &str| {
        line.match_indices(pattern).any(|(at, _)| {
            let before = line.get(..at).and_then(|text| text.chars().next_back());
            let after = line.get(at + pattern.len()..).and_then(|text| text.chars().next());
            let glued =
                |edge: Option<char>, outside: Option<char>| edge.is_some_and(is_word) && outside.is_some_and(is_word);
            !glued(pattern.chars().next(), before) && !glued(pattern.chars().next_back(), after)
        })
    };
    text.lines().zip(1..).filter(|(line, _)| has(line)).map(|(_, number)| number).collect()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The kind and the length (at least 1) of what starts at `at`.
fn next(chars: &[char], at: usize) -> (Kind, usize) {
    let rest = chars.get(at..).unwrap_or_default();
    match rest {
        ['/', '/', ..] => (Kind::Comment, rest.iter().position(|&c| c == '\n').unwrap_or(rest.len())),
        ['/', '*', ..] => (Kind::Comment, block_comment(rest)),
        ['r', '"' | '#', ..] if opens_literal(chars, at) => raw_string(rest),
        ['"', ..] => (Kind::Text, quoted(rest, '"')),
        ['\'', '\\', ..] | ['\'', _, '\'', ..] => (Kind::Text, quoted(rest, '\'')),
        _ => (Kind::Code, 1),
    }
}

/// Whether the `r` at `at` is no end of a longer word; `br` and `cr` open literals as well.
fn opens_literal(chars: &[char], at: usize) -> bool {
    let before = |steps: usize| at.checked_sub(steps).and_then(|at| chars.get(at)).copied().filter(|&c| is_word(c));
    before(1).is_none() || (matches!(before(1), Some('b' | 'c')) && before(2).is_none())
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match rest.get(at..) {
            Some(['/', '*', ..]) => (depth, at) = (depth + 1, at + 2),
            Some(['*', '/', ..]) => (depth, at) = (depth.saturating_sub(1), at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at.min(rest.len())
}

fn raw_string(rest: &[char]) -> (Kind, usize) {
    let hashes = rest.iter().skip(1).take_while(|&&c| c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return (Kind::Code, 1); // A raw identifier such as r#type.
    }
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = rest.get(2 + hashes..).unwrap_or_default();
    let length = body.windows(end.len()).position(|window| window == end).map_or(body.len(), |at| at + end.len());
    (Kind::Text, 2 + hashes + length)
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut escaped = false;
    let closing = rest.iter().skip(1).position(|&c| {
        let closes = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    });
    closing.map_or(rest.len(), |at| at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(source: &str) -> String {
        only(source, &[Kind::Code])
    }

    #[test]
    fn comments_and_strings_are_not_code() {
        assert!(!code("a(); // async").contains("async"));
        assert!(!code("/* async /* nested */ async */ a()").contains("async"));
        assert!(!code(r#"let a = "say \"async\"";"#).contains("async"));
        assert!(!code("let a = r#\"async \" async\"#;").contains("async"));
        assert!(!code("let a = br\"async\";").contains("async"));
        assert!(only("a(); // async", &[Kind::Comment]).contains("async"));
        assert!(only("a(\"async\")", &[Kind::Text]).contains("async"));
    }

    #[test]
    fn what_follows_a_literal_is_code_again() {
        for literal in ["\"x\"", "'\"'", "'\\''", "'\\\\'", "r#\"\"\"#", "/* */", "&'a str", "r#type", "\"\\\\\""] {
            assert!(code(&format!("{literal} ; async")).contains("async"), "{literal}");
        }
    }

    #[test]
    fn lines_stay_where_they_were() {
        let source = "a\n/* b\n c */ d\n\"e\nf\" g";
        assert_eq!(code(source).lines().count(), source.lines().count());
        assert_eq!(lines_with(&code(source), "g"), [5]);
    }

    #[test]
    fn a_pattern_matches_whole_words() {
        assert_eq!(lines_with("asynchronous\nasync fn\nmy_async", "async"), [2]);
        assert_eq!(lines_with("operand::x\nrand::x", "rand::"), [2]);
        assert_eq!(lines_with("a.now()", ".now()"), [1]);
    }
}
