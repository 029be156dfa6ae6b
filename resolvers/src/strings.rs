//! Parts of a document that the engine's parser misreads: escapes of characters beyond U+FFFF, block strings, descriptions
//! of operations, fragments and variables, and comments and commas in some places.

use std::borrow::Cow;

use async_graphql::Pos;

use crate::type_references::tighten;

/// A lone half of a surrogate pair, or a number that is no character, and its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoCharacter(pub Pos);

/// Replaces surrogate pairs, `\u{…}` and block strings by what the parser reads, and descriptions, comments and commas by
/// blanks, and tightens the types of variables. Positions of what follows stay the same.
pub fn decode(document: &str) -> Result<Cow<'_, str>, NoCharacter> {
    Ok(match decode_strings(document)? {
        Cow::Borrowed(document) => tighten(document),
        Cow::Owned(document) => Cow::Owned(tighten(&document).into_owned()),
    })
}

fn decode_strings(document: &str) -> Result<Cow<'_, str>, NoCharacter> {
    if !document.contains(['"', '#', ',']) {
        return Ok(Cow::Borrowed(document));
    }
    let mut decoded = String::with_capacity(document.len());
    let mut place = Place::default();
    let mut rest = document;
    while let Some(start) = rest.find(['"', '#']) {
        let (before, token) = rest.split_at(start);
        place.pass(before);
        push_without_commas(&mut decoded, before);
        if token.starts_with('#') {
            let end = token.find(['\n', '\r']).unwrap_or(token.len());
            decoded.extend(token[..end].chars().map(|_| ' '));
            rest = &token[end..];
            continue;
        }
        let block = token.strip_prefix(BLOCK);
        let end = match block {
            Some(block) => end_of_block(block).map(|end| end + 2 * BLOCK.len()),
            None => Some(end_of_string(token)),
        };
        let Some(end) = end else {
            // The parser reports a block string without an end.
            rest = token;
            break;
        };
        let (string, after) = token.split_at(end);
        if place.is_of_description(after) {
            decoded.extend(string.chars().map(|c| if c == '\n' { c } else { ' ' }));
        } else if block.is_some() {
            decode_block(&string[BLOCK.len()..end - BLOCK.len()], &mut decoded);
        } else {
            let offset = document.len() - token.len();
            decode_string(string, &mut decoded)
                .map_err(|at| no_character(document, offset + at))?;
        }
        place.last = Some('"');
        rest = after;
    }
    push_without_commas(&mut decoded, rest);
    Ok(Cow::Owned(decoded))
}

/// Writes a text without strings and comments, with a blank for each comma.
fn push_without_commas(decoded: &mut String, text: &str) {
    decoded.extend(text.chars().map(|c| if c == ',' { ' ' } else { c }));
}

/// Place between the tokens of a document.
#[derive(Default)]
struct Place {
    braces: usize,
    parentheses: usize,
    brackets: usize,
    /// The last character that is no blank.
    last: Option<char>,
}

impl Place {
    /// Moves behind a text without strings and comments.
    fn pass(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '{' => self.braces += 1,
                '}' => self.braces = self.braces.saturating_sub(1),
                '(' => self.parentheses += 1,
                ')' => self.parentheses = self.parentheses.saturating_sub(1),
                '[' => self.brackets += 1,
                ']' => self.brackets = self.brackets.saturating_sub(1),
                _ => {}
            }
            if !is_ignored(character) {
                self.last = Some(character);
            }
        }
    }

    /// Whether a string here, with this text after it, describes an operation, a fragment or a variable.
    fn is_of_description(&self, after: &str) -> bool {
        let next = after.trim_start_matches(is_ignored);
        let keywords = ["query", "mutation", "subscription", "fragment"];
        match (self.braces, self.parentheses, self.brackets) {
            (0, 0, 0) => keywords.iter().any(|keyword| next.starts_with(keyword)),
            // A default stands before the next variable, too.
            (0, 1, 0) => next.starts_with('$') && self.last != Some('='),
            _ => false,
        }
    }
}

/// Whether a character is a blank of the grammar.
pub(crate) fn is_ignored(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n' | ',' | '\u{feff}')
}

/// Quotes of a block string.
const BLOCK: &str = r#"""""#;

/// The length of a block string's content; none without its last quotes.
fn end_of_block(block: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(quotes) = block[from..].find(BLOCK) {
        let at = from + quotes;
        if !block[..at].ends_with('\\') {
            return Some(at);
        }
        from = at + BLOCK.len();
    }
    None
}

/// Writes the value of a block string as a string, then blanks for its lines: `BlockStringValue` of the specification.
fn decode_block(content: &str, to: &mut String) {
    let text = content.replace(r#"\""""#, BLOCK);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = text.split('\n').collect();
    let blank = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let is_blank = |line: &&str| blank(line) == line.len();
    let indents = lines.iter().skip(1).filter(|line| !is_blank(line));
    let indent = indents.map(|line| blank(line)).min().unwrap_or(0);
    let without_indent = lines.iter().enumerate().map(|(number, line)| match number {
        0 => line,
        _ => line.get(indent..).unwrap_or_default(),
    });
    let mut values: Vec<&str> = without_indent.collect();
    while values.last().is_some_and(is_blank) {
        values.pop();
    }
    let first = values.iter().position(|line| !is_blank(line));
    let value = values.split_off(first.unwrap_or(values.len())).join("\n");
    to.push('"');
    for character in value.chars() {
        match character {
            '"' | '\\' => to.extend(['\\', character]),
            '\n' => to.push_str(r"\n"),
            _ if character.is_control() => {
                to.push_str(&escaped(character));
            }
            _ => to.push(character),
        }
    }
    to.push('"');
    let last = lines.last().map_or(0, |line| line.chars().count());
    if lines.len() > 1 {
        to.extend(std::iter::repeat_n('\n', lines.len() - 1));
        to.extend(std::iter::repeat_n(' ', last + BLOCK.len()));
    }
}

/// The end of a string: after its quote, or at the end of the line.
pub(crate) fn end_of_string(string: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in string.bytes().enumerate().skip(1) {
        match byte {
            b'\n' | b'\r' => return at,
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    string.len()
}

/// Decodes a string with its quotes. Fails with the position of an escape that stands for no character.
fn decode_string(string: &str, to: &mut String) -> Result<(), usize> {
    let mut saved = 0;
    let mut rest = string;
    while let Some(start) = rest.find('\\') {
        let (before, escape) = rest.split_at(start);
        to.push_str(before);
        let at = string.len() - escape.len();
        let (length, character) = match Escape::of(escape) {
            Escape::Character(length, character) => (length, character.ok_or(at)?),
            Escape::Other(length) => {
                to.push_str(&escape[..length]);
                rest = &escape[length..];
                continue;
            }
        };
        let before = to.chars().count();
        if u32::from(character) <= 0xFFFF {
            // The parser decodes quotes and control characters.
            to.push_str(&escaped(character));
        } else {
            to.push(character);
        }
        let written = to.chars().count() - before;
        saved += length.saturating_sub(written);
        rest = &escape[length..];
    }
    to.push_str(rest);
    to.extend(std::iter::repeat_n(' ', saved));
    Ok(())
}

/// The escape of a character below U+10000.
fn escaped(character: char) -> String {
    format!(r"\u{:04X}", u32::from(character))
}

/// An escape with its length.
enum Escape {
    /// `\u{…}`, or one or two halves of a surrogate pair; none if it is no character.
    Character(usize, Option<char>),
    /// Any other.
    Other(usize),
}

impl Escape {
    fn of(text: &str) -> Self {
        if let Some(braced) = text.strip_prefix(r"\u{") {
            let digits = braced.split_once('}').map(|(digits, _)| digits);
            let is_number = |digits: &&str| {
                !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
            };
            return match digits.filter(is_number) {
                Some(digits) => {
                    let number = u32::from_str_radix(digits, 16).ok();
                    Self::Character(digits.len() + 4, number.and_then(char::from_u32))
                }
                None => Self::Other(2),
            };
        }
        let Some(first) = code_unit(text) else {
            let length = text.chars().take(2).map(char::len_utf8).sum();
            return Self::Other(length);
        };
        match first {
            0xD800..=0xDFFF => {
                let second = text.get(6..).and_then(code_unit);
                let pair = [Some(first), second].into_iter().flatten();
                match char::decode_utf16(pair).next() {
                    Some(Ok(character)) => Self::Character(12, Some(character)),
                    _ => Self::Character(6, None),
                }
            }
            _ => Self::Other(6),
        }
    }
}

/// The number of `\u` with four digits.
fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix(r"\u")?.get(..4)?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_number
        .then(|| u16::from_str_radix(digits, 16).ok())
        .flatten()
}

fn no_character(document: &str, offset: usize) -> NoCharacter {
    let before = &document[..offset];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    NoCharacter(Pos {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_characters_beyond_the_basic_plane() {
        for (document, decoded) in [
            (r#"{a(b: "\uD83D\uDE00!")}"#, "{a(b: \"😀!\"           )}"),
            (
                r#"{a(b: "\u{1F600}" c: "\u{41}\u{22}")}"#,
                "{a(b: \"😀\"         c: \"\\u0041\\u0022\")}",
            ),
            (
                r#"{a(b: "\n\u00e9\\u{1F600}")}"#,
                r#"{a(b: "\n\u00e9\\u{1F600}")}"#,
            ),
            (
                r#"{a(b: """\uD83D \""" " """ c: "")} # "\uD83D"#,
                r#"{a(b: "\\uD83D \"\"\" \" " c: "")}          "#,
            ),
            (r#"{a(b: "\u12")}"#, r#"{a(b: "\u12")}"#),
            (r#"{a(b: "\u{}\uX"#, r#"{a(b: "\u{}\uX"#),
        ] {
            assert_eq!(decode(document).as_deref(), Ok(decoded), "{document}");
        }
    }

    #[test]
    fn omits_comments_and_commas() {
        for document in [
            "{ a { ...on#c\nB { b } } }",
            "{ a, { ...,F } } fragment F,on,B { b }",
            "{ a,:b(c,:\"#,\",d:[1,,2]),{ e } } # end",
            "query,A($b#:\n:,Int,=,1#,\n$d:Int),{ a }",
        ] {
            let decoded = decode(document).expect(document);
            assert_eq!(decoded.chars().count(), document.chars().count());
            let parsed = async_graphql::parser::parse_query(decoded.as_ref());
            assert!(parsed.is_ok(), "{document}: {parsed:?}");
        }
        let kept = "{ a(b: \"#,\") }";
        assert_eq!(decode(kept).as_deref(), Ok(kept));
    }

    #[test]
    fn omits_descriptions() {
        for (document, without) in [
            (r#""Doc" query A { a }"#, "      query A { a }"),
            (
                "\"\"\"\n\\\"\"\"\n\"\"\" query A(\"n\" $n: Int \"m\" $m: S = \"x\" $k: Int) { a(b: [\"x\" $n]) }",
                "   \n    \n    query A(    $n: Int     $m: S = \"x\" $k: Int) { a(b: [\"x\" $n]) }",
            ),
            (
                "{ ...F } # \"\n\"Doc\" fragment F on A { b(c: \"d\") }",
                "{ ...F }    \n      fragment F on A { b(c: \"d\") }",
            ),
        ] {
            assert_eq!(decode(document).as_deref(), Ok(without), "{document}");
        }
    }

    #[test]
    fn reads_block_strings_by_the_specification() {
        for (block, value) in [
            ("K", "K"),
            ("", ""),
            ("\n  a\n \n    b\n", "a\\n\\n  b"),
            (
                "\n\n    Hello,\r\n      World!\r\n\r\n    ",
                "Hello,\\n  World!",
            ),
            ("  a\n   b\t\u{1}", "  a\\nb\\u0009\\u0001"),
        ] {
            let document = format!("{{a(b: {BLOCK}{block}{BLOCK})}}");
            let decoded = decode(&document).expect(block);
            let start = format!("{{a(b: \"{value}\"");
            assert!(decoded.starts_with(&start), "{decoded}");
            assert_eq!(
                decoded.matches('\n').count(),
                block.replace("\r\n", "\n").matches('\n').count()
            );
        }
        let open = "{a(b: \"\"\" x";
        assert_eq!(decode(open).as_deref(), Ok(open));
    }

    #[test]
    fn refuses_lone_surrogates() {
        for (document, line, column) in [
            (r#"{a(b: "\uD83D")}"#, 1, 8),
            ("{\n  a(b: \"é\\uDE00\\uD83D\")}", 2, 10),
            (r#"{a(b: "\uD83D\u0041")}"#, 1, 8),
            (r#"{a(b: "\u{D800}")}"#, 1, 8),
            (r#"{a(b: "\u{110000}")}"#, 1, 8),
            (r#"{a(b: "\u{FFFFFFFFFFFF}")}"#, 1, 8),
        ] {
            assert_eq!(
                decode(document),
                Err(NoCharacter(Pos { line, column })),
                "{document}"
            );
        }
    }
}
