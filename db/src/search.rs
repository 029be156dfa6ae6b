//! Searches for a part of a text, ignoring case and composition, in columns that the program folded.
//!
//! A condition on a column is `search_grams(column) @> grams AND column LIKE pattern`. The first part uses the index of the
//! column, the second one removes rows that have the grams in other places.

use domain::text::fold;

/// Number of characters of the longest grams.
const LONGEST_GRAM: usize = 3;

/// A part that is searched for.
pub(crate) struct Part {
    folded: String,
}

impl Part {
    /// Folds a text.
    pub(crate) fn of(text: &str) -> Self {
        Self { folded: fold(text) }
    }

    /// Grams of a text that contains the part.
    pub(crate) fn grams(&self) -> Vec<String> {
        let chars: Vec<char> = self.folded.chars().collect();
        let size = chars.len().clamp(1, LONGEST_GRAM);
        chars.windows(size).map(String::from_iter).collect()
    }

    /// Pattern of LIKE for a text that contains the part.
    pub(crate) fn pattern(&self) -> String {
        containing(&self.folded)
    }
}

/// Pattern of LIKE for texts that contain a literal text.
pub(crate) fn containing(text: &str) -> String {
    let literal = text.replace('\\', "\\\\");
    let literal = literal.replace('%', "\\%").replace('_', "\\_");
    format!("%{literal}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_a_part_into_folded_grams() {
        assert_eq!(Part::of("ĐO\u{323}\u{302}I%").grams(), ["đội", "ội%"]);
        assert_eq!(Part::of("Vũ").grams(), ["vũ"]);
        assert_eq!(Part::of("龍").grams(), ["龍"]);
        assert_eq!(Part::of("A_b\\").pattern(), "%a\\_b\\\\%");
    }
}
