//! Types of a document's variables, within which the engine's parser reads no blanks.

use std::borrow::Cow;

use crate::strings::{end_of_string, is_ignored};

/// Moves the blanks within the types of variables behind them: `[ID !]` becomes `[ID!] `. Comments and commas are blanks
/// already. Positions of what follows stay the same, except on the lines of such a type.
pub(crate) fn tighten(document: &str) -> Cow<'_, str> {
    if !document.contains('$') {
        return Cow::Borrowed(document);
    }
    let mut tightened = String::new();
    let (mut braces, mut parentheses) = (0_usize, 0_usize);
    let (mut written, mut at) = (0, 0);
    while let Some(character) = document[at..].chars().next() {
        match character {
            '{' => braces += 1,
            '}' => braces = braces.saturating_sub(1),
            '(' => parentheses += 1,
            ')' => parentheses = parentheses.saturating_sub(1),
            '"' => {
                at += end_of_string(&document[at..]);
                continue;
            }
            '$' if (braces, parentheses) == (0, 1) => {
                if let Some(found) = Reference::of_variable(document, at) {
                    if !found.ignored.is_empty() {
                        tightened.push_str(&document[written..found.start]);
                        tightened.push_str(&found.tokens);
                        tightened.push_str(&found.ignored);
                        written = found.end;
                    }
                    at = found.end;
                    continue;
                }
            }
            _ => {}
        }
        at += character.len_utf8();
    }
    if written == 0 {
        return Cow::Borrowed(document);
    }
    tightened.push_str(&document[written..]);
    Cow::Owned(tightened)
}

/// The type of a variable.
#[derive(Default)]
struct Reference {
    /// Place of the first token.
    start: usize,
    /// Place behind the last token.
    end: usize,
    tokens: String,
    /// Blanks between tokens.
    ignored: String,
}

impl Reference {
    /// The type in the definition of the variable whose `$` is at this place; none when there is no definition.
    fn of_variable(document: &str, dollar: usize) -> Option<Self> {
        let name = skip_ignored(document, dollar + 1);
        let colon = skip_ignored(document, name + length_of_name(&document[name..])?);
        document[colon..].starts_with(':').then_some(())?;
        let start = skip_ignored(document, colon + 1);
        let mut found = Self {
            start,
            end: start,
            ..Self::default()
        };
        let mut open = 0_usize;
        while found.take(document, "[") {
            open += 1;
        }
        let next = skip_ignored(document, found.end);
        let name = length_of_name(&document[next..])?;
        found.push(document, next, name);
        found.take(document, "!");
        while open > 0 && found.take(document, "]") {
            open -= 1;
            found.take(document, "!");
        }
        Some(found)
    }

    /// Takes a token, if it is the next one.
    fn take(&mut self, document: &str, token: &str) -> bool {
        let next = skip_ignored(document, self.end);
        let is_next = document[next..].starts_with(token);
        if is_next {
            self.push(document, next, token.len());
        }
        is_next
    }

    fn push(&mut self, document: &str, start: usize, length: usize) {
        self.ignored.push_str(&document[self.end..start]);
        self.end = start + length;
        self.tokens.push_str(&document[start..self.end]);
    }
}

/// The place of the next token.
fn skip_ignored(document: &str, at: usize) -> usize {
    document.len() - document[at..].trim_start_matches(is_ignored).len()
}

/// Length of the name at the start of a text.
fn length_of_name(text: &str) -> Option<usize> {
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let length = text.bytes().take_while(|byte| is_of_name(byte)).count();
    (length > 0).then_some(length)
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn moves_what_is_ignored_behind_the_type() {
        for (document, tightened) in [
            ("query($a:Int !) { a }", "query($a:Int! ) { a }"),
            ("query($a:[ID!] !) { a }", "query($a:[ID!]! ) { a }"),
            ("query($a:[ ID ]) { a }", "query($a:[ID]  ) { a }"),
            ("query($a:Int\n !) { a }", "query($a:Int!\n ) { a }"),
            (
                "query($a : [ [ID\n!]\u{feff} ] = \"$b: Int !\", $b:Int\r! @d(x: 1)) { a }",
                "query($a : [[ID!]] \n\u{feff}  = \"$b: Int !\", $b:Int!\r @d(x: 1)) { a }",
            ),
        ] {
            assert_eq!(tighten(document), tightened, "{document}");
            assert!(parse_query(tightened).is_ok(), "{tightened}");
        }
    }

    #[test]
    fn leaves_the_rest_as_it_is() {
        for document in [
            "{ a }",
            "query($a: Int!, $b: [ID!]! = [\"] !\"]) { a(b: $a) }",
            "query Q($a: Int = 1\n) { a(b: [$a ], c: {d : $a}) }",
            "query($a: Int",
            "query($",
            "query($a: [",
            "query($a: \"Int !",
            "query($a) { a }",
            "query($é: Int) { a }",
        ] {
            assert_eq!(tighten(document), document, "{document}");
        }
    }
}
