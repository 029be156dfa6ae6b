//! Counts the tokens and the nesting of a document without parsing it.

/// Tokens and nesting of a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    /// Tokens by the GraphQL specification.
    pub tokens: u64,
    /// Nesting of brackets.
    pub nesting: u64,
}

impl Text {
    /// Counts in one pass. Invalid text counts, too; the parser rejects it.
    pub fn of(document: &str) -> Self {
        let mut text = Self::default();
        let mut open: u64 = 0;
        let mut rest = document.as_bytes();
        while let Some((&first, after)) = rest.split_first() {
            rest = match first {
                b' ' | b'\t' | b'\r' | b'\n' | b',' | 0xef | 0xbb | 0xbf => {
                    rest = after;
                    continue;
                }
                b'#' => {
                    rest = until(after, |byte| matches!(byte, b'\n' | b'\r'));
                    continue;
                }
                b'{' | b'(' | b'[' => {
                    open += 1;
                    text.nesting = text.nesting.max(open);
                    after
                }
                b'}' | b')' | b']' => {
                    open = open.saturating_sub(1);
                    after
                }
                b'.' => until(after, |byte| byte != b'.'),
                b'"' => after_string(rest),
                b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                    until(after, |byte| !byte.is_ascii_alphanumeric() && byte != b'_')
                }
                b'-' | b'0'..=b'9' => until(after, |byte| {
                    !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'+' | b'-')
                }),
                _ => after,
            };
            text.tokens += 1;
        }
        text
    }
}

fn until(text: &[u8], ends: impl Fn(u8) -> bool) -> &[u8] {
    let end = text.iter().position(|byte| ends(*byte));
    text.get(end.unwrap_or(text.len())..).unwrap_or_default()
}

/// The text after a string, which ends at its quote, or unterminated at the end of the line.
fn after_string(text: &[u8]) -> &[u8] {
    let (mark, is_block): (&[u8], bool) = if text.starts_with(b"\"\"\"") {
        (b"\"\"\"", true)
    } else {
        (b"\"", false)
    };
    let mut rest = text.get(mark.len()..).unwrap_or_default();
    while let Some((&first, after)) = rest.split_first() {
        if rest.starts_with(mark) {
            return rest.get(mark.len()..).unwrap_or_default();
        }
        rest = match first {
            b'\\' if is_block && after.starts_with(mark) => {
                after.get(mark.len()..).unwrap_or_default()
            }
            b'\\' if !is_block => after.get(1..).unwrap_or_default(),
            b'\n' | b'\r' if !is_block => return rest,
            _ => after,
        };
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_tokens_of_the_specification() {
        for (document, tokens) in [
            ("", 0),
            (" ,\n\u{feff}# a comment {{{\n", 0),
            ("{a}", 3),
            ("{ a: b(c: [1, -2.5e+3, $d, \"e\"]) ...F }", 18),
            (r#"{a(b: "\"}{")}"#, 8),
            (r#"{a(b: """x " \""" {{ """)}"#, 8),
            (r#"{a(b: "")}"#, 8),
            ("{a(b: \"open\n)}", 8),
            ("{\0}", 3),
            ("\"\"\"", 1),
            ("\"\\", 1),
        ] {
            assert_eq!(Text::of(document).tokens, tokens, "{document}");
        }
    }

    #[test]
    fn counts_brackets_outside_of_strings() {
        for (document, nesting) in [
            ("{a}{b}", 1),
            ("{a(b: [{c: [1]}])}", 5),
            ("{a(b: \"[[[[\") # [[[[\n}", 2),
            ("}}}}{", 1),
        ] {
            assert_eq!(Text::of(document).nesting, nesting, "{document}");
        }
    }
}
