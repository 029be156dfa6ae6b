//! The rule for every text that a person gives and others see, and the forms of texts that searches compare.
//!
//! Categories and properties of characters, normalization and case folding are Unicode's own data.

use std::ops::RangeInclusive;

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::props::{
    BinaryProperty, CanonicalCombiningClass, DefaultIgnorableCodePoint, Emoji, EmojiModifier,
    EnumeratedProperty, ExtendedPictographic, GeneralCategory, GeneralCategoryGroup, Ideographic,
    IndicSyllabicCategory, JoiningType, PrependedConcatenationMark, Script,
};

/// ZERO WIDTH NON-JOINER.
const NON_JOINER: char = '\u{200C}';
/// ZERO WIDTH JOINER.
const JOINER: char = '\u{200D}';
/// Variation selectors for the text and the emoji presentation.
const PRESENTATIONS: [char; 2] = ['\u{FE0E}', '\u{FE0F}'];
/// Variation selectors that choose the form of an ideograph, as Japanese names need it.
const IDEOGRAPH_VARIANTS: RangeInclusive<char> = '\u{E0100}'..='\u{E01EF}';
/// Variation selectors and the vowel separator, which the ordinary spelling of Mongolian needs.
const MONGOLIAN_VARIANTS: RangeInclusive<char> = '\u{180B}'..='\u{180F}';
const KEYCAP: char = '\u{20E3}';
/// The flag before the tags of a region, such as Scotland.
const BLACK_FLAG: char = '\u{1F3F4}';
const CANCEL_TAG: char = '\u{E007F}';
/// Letters and symbols by their category, but blank: of braille, hieroglyphs, the Khitan script and music.
const BLANKS: [char; 5] = [
    '\u{2800}',
    '\u{13441}',
    '\u{13442}',
    '\u{16FE4}',
    '\u{1D159}',
];

/// Parses a text of at most `longest` characters: in NFC, without surrounding blanks.
///
/// None when it is too long, has no visible character, or has a character that can't be seen or changes how others are
/// shown: controls, separators of lines and paragraphs, bidirectional controls, other default-ignorable characters,
/// characters for private use and unassigned ones. Joiners between letters of scripts that use them, and the parts of
/// emoji sequences, are allowed.
#[must_use]
pub fn parse(text: &str, longest: usize) -> Option<String> {
    parse_any(text).filter(|text| text.chars().count() <= longest)
}

/// Whether a text has 1 to `longest` visible characters, in NFC and without blanks at the ends: two of these never differ in
/// what nobody sees.
#[must_use]
pub fn is_line(text: &str, longest: usize) -> bool {
    parse(text, longest).as_deref() == Some(text)
}

/// Parses a text of several lines, each by the rule of [`parse`] or empty. Line breaks count as characters.
#[must_use]
pub fn parse_lines(text: &str, longest: usize) -> Option<String> {
    let lines = text.trim().lines().map(|line| match line.trim() {
        "" => Some(String::new()),
        line => parse_any(line),
    });
    let text = lines.collect::<Option<Vec<_>>>()?.join("\n");
    (1..=longest)
        .contains(&text.chars().count())
        .then_some(text)
}

/// Parses a text and cuts it after `longest` characters; a cut emoji sequence is left out.
#[must_use]
pub fn parse_shortened(text: &str, longest: usize) -> Option<String> {
    let text = parse_any(text)?;
    let Some((cut, _)) = text.char_indices().nth(longest) else {
        return Some(text);
    };
    let (mut kept, _) = text.split_at(cut);
    while !kept.is_empty() {
        if let Some(parsed) = parse_any(kept) {
            return Some(parsed);
        }
        kept = kept.strip_suffix(|_| true).unwrap_or_default();
    }
    None
}

/// Declares a text of limited length: its largest number of characters, and [`parse`] or [`parse_shortened`].
macro_rules! bounded_text {
    ($(#[$doc:meta])* $name:ident($longest:literal) = $parse:path;) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            #[doc = concat!("Parses a text with [`", stringify!($parse), "`].")]
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                $parse(text, $longest).map(Self)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}
pub(crate) use bounded_text;

/// The form of a text in which searches compare: case-folded, in NFC.
#[must_use]
pub fn fold(text: &str) -> String {
    let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(text);
    let folded = CaseMapper::new().fold_string(&decomposed);
    ComposingNormalizerBorrowed::new_nfc()
        .normalize(&folded)
        .into_owned()
}

/// A text with compatibility characters (such as full-width letters) replaced and ignorable characters removed.
pub(crate) fn plain(text: &str) -> String {
    let text = ComposingNormalizerBorrowed::new_nfkc().normalize(text);
    text.chars()
        .filter(|char| !DefaultIgnorableCodePoint::for_char(*char))
        .collect()
}

fn parse_any(text: &str) -> Option<String> {
    let text = ComposingNormalizerBorrowed::new_nfc().normalize(text);
    let text = text.trim();
    let chars: Vec<char> = text.chars().collect();
    (chars.iter().any(|char| is_visible(*char)) && is_shown(&chars)).then(|| text.to_owned())
}

/// Whether the character alone is visible.
fn is_visible(char: char) -> bool {
    let category = GeneralCategory::for_char(char);
    let has_glyph = [
        GeneralCategoryGroup::Letter,
        GeneralCategoryGroup::Number,
        GeneralCategoryGroup::Punctuation,
        GeneralCategoryGroup::Symbol,
    ];
    (has_glyph.iter().any(|group| group.contains(category)) && !BLANKS.contains(&char))
        || ExtendedPictographic::for_char(char)
}

/// Whether every character is shown, or shapes its neighbours as its script or an emoji sequence needs it.
fn is_shown(chars: &[char]) -> bool {
    let mut before: &[char] = &[];
    let mut rest = chars;
    while let [char, after @ ..] = rest {
        let is_allowed = match *char {
            JOINER => joins_emoji(before, after) || shapes_letters(before, after),
            NON_JOINER => shapes_letters(before, after),
            char if PRESENTATIONS.contains(&char) => selects_presentation(before, after),
            char if IDEOGRAPH_VARIANTS.contains(&char) => before
                .last()
                .is_some_and(|base| Ideographic::for_char(*base)),
            char if MONGOLIAN_VARIANTS.contains(&char) => before
                .last()
                .is_some_and(|base| Script::for_char(*base) == Script::Mongolian),
            char => !is_hidden(char),
        };
        if !is_allowed {
            return false;
        }
        rest = if *char == BLACK_FLAG {
            after_region(after)
        } else {
            after
        };
        before = chars
            .get(..chars.len().saturating_sub(rest.len()))
            .unwrap_or_default();
    }
    true
}

/// Whether the character has no glyph, or only one that depends on the font.
fn is_hidden(char: char) -> bool {
    DefaultIgnorableCodePoint::for_char(char)
        || match GeneralCategory::for_char(char) {
            GeneralCategory::Control
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::PrivateUse
            | GeneralCategory::Surrogate => true,
            GeneralCategory::Format => !PrependedConcatenationMark::for_char(char),
            // Unicode reserves code points for future emoji, which phones show before this program knows them.
            GeneralCategory::Unassigned => !ExtendedPictographic::for_char(char),
            _ => false,
        }
}

/// Whether a joiner here combines two emoji to one.
fn joins_emoji(before: &[char], after: &[char]) -> bool {
    let modifies = |char: &char| PRESENTATIONS.contains(char) || EmojiModifier::for_char(*char);
    let mut bases = before.iter().rev().skip_while(|char| modifies(char));
    let is_emoji =
        |char: Option<&char>| char.is_some_and(|char| ExtendedPictographic::for_char(*char));
    is_emoji(bases.next()) && is_emoji(after.first())
}

/// Whether a variation selector here chooses the presentation of an emoji or belongs to a keycap.
fn selects_presentation(before: &[char], after: &[char]) -> bool {
    before.last().is_some_and(|char| {
        ExtendedPictographic::for_char(*char)
            || (Emoji::for_char(*char) && after.first() == Some(&KEYCAP))
    })
}

/// Whether a joiner or non-joiner here shapes letters: behind a virama, or between letters of which one is of a cursive
/// or an Indic script. The other one may be of any script, as in a foreign word with a Persian suffix.
fn shapes_letters(before: &[char], after: &[char]) -> bool {
    let is_virama =
        |char: &char| CanonicalCombiningClass::for_char(*char) == CanonicalCombiningClass::Virama;
    if before.last().is_some_and(is_virama) {
        return true;
    }
    let is_mark = |char: char| GeneralCategoryGroup::Mark.contains(GeneralCategory::for_char(char));
    let is_letter = |char: char| {
        let category = GeneralCategory::for_char(char);
        GeneralCategoryGroup::Letter.contains(category)
            || GeneralCategoryGroup::Number.contains(category)
    };
    let takes_joiners = |char: char| {
        let is_cursive = matches!(
            JoiningType::for_char(char),
            JoiningType::DualJoining | JoiningType::LeftJoining | JoiningType::RightJoining
        );
        is_cursive || IndicSyllabicCategory::for_char(char) != IndicSyllabicCategory::Other
    };
    let base = before.iter().rev().copied().find(|char| !is_mark(*char));
    match (base, after.first().copied()) {
        (Some(base), Some(next)) => {
            is_letter(base)
                && (is_letter(next) || is_mark(next))
                && (takes_joiners(base) || takes_joiners(next))
        }
        _ => false,
    }
}

/// The rest behind the tags that make a black flag the flag of a region: its five letters and the end of the tags.
fn after_region(after: &[char]) -> &[char] {
    let is_letter = |char: &char| matches!(char, '\u{E0061}'..='\u{E007A}');
    match after.split_first_chunk::<6>() {
        Some(([region @ .., CANCEL_TAG], rest)) if region.iter().all(is_letter) => rest,
        _ => after,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FAMILY: &str = "👨\u{200D}👩\u{200D}👧";

    #[test]
    fn accepts_visible_texts_of_every_script() {
        for text in [
            "night shift",
            "Đội Đào Vàng",
            "שלום",
            "محمد",
            "日本語",
            "葛\u{E0100}城",
            "a\u{A0}b",
            ".",
            // Persian plurals, also behind a foreign word and a digit.
            "می\u{200C}خواهم",
            "کار\u{200C}ها",
            "PDF\u{200C}ها",
            "۵\u{200C}ساله",
            // Bengali ya-phalaa, Hindi half form, Sinhala conjunct, Malayalam chillu.
            "র\u{200D}\u{9CD}যাব",
            "क\u{94D}\u{200D}ष",
            "ශ\u{DCA}\u{200D}රී",
            "അവന\u{D4D}\u{200D}",
            // Mongolian with variation selector and vowel separator.
            "ᠮᠣᠩᠭᠣᠯ\u{180B}",
            "ᠬᠠᠨ\u{180E}ᠠ",
            // Emoji: families, skin tones, presentations, keycaps, flags.
            FAMILY,
            "👩🏽\u{200D}🚀",
            "❤\u{FE0F}\u{200D}🔥",
            "☎\u{FE0E}",
            "1\u{FE0F}\u{20E3}",
            "🇻🇳",
            "🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}",
            // Reserved for a future emoji.
            "\u{1FAFF}",
        ] {
            assert_eq!(parse(text, 100).as_deref(), Some(text), "{text:?}");
        }
    }

    #[test]
    fn refuses_hidden_and_disturbing_characters() {
        for hidden in [
            // Controls, and separators of lines and paragraphs.
            '\0',
            '\n',
            '\t',
            '\u{7F}',
            '\u{85}',
            '\u{2028}',
            '\u{2029}',
            // Bidirectional marks, overrides and isolates.
            '\u{61C}',
            '\u{200E}',
            '\u{200F}',
            '\u{202A}',
            '\u{202E}',
            '\u{2066}',
            '\u{2069}',
            // Other ignorable characters: soft hyphen, joiners, fillers, selectors, tags.
            '\u{AD}',
            '\u{34F}',
            '\u{115F}',
            '\u{17B4}',
            '\u{180E}',
            '\u{200B}',
            '\u{200C}',
            '\u{200D}',
            '\u{2060}',
            '\u{3164}',
            '\u{FE00}',
            '\u{FE0F}',
            '\u{FEFF}',
            '\u{FFA0}',
            '\u{1D173}',
            '\u{E0001}',
            '\u{E0041}',
            '\u{E0100}',
            // Interlinear annotations, private use, unassigned, non-characters.
            '\u{FFF9}',
            '\u{E000}',
            '\u{F8FF}',
            '\u{10FFFD}',
            '\u{378}',
            '\u{FDD0}',
            '\u{FFFE}',
            '\u{10FFFF}',
        ] {
            for text in [
                format!("a{hidden}b"),
                format!("{hidden}b{hidden}c"),
                format!("{hidden}"),
            ] {
                assert_eq!(parse(&text, 100), None, "{text:?}");
            }
        }
    }

    #[test]
    fn refuses_joiners_and_selectors_out_of_place() {
        for text in [
            "می\u{200C}",
            "\u{200C}می",
            "می\u{200C}\u{200C}خواهم",
            "e\u{301}\u{200D}x",
            "👨\u{200D}",
            "👨\u{200D}a",
            "👨\u{200D}\u{200D}👩",
            "❤\u{FE0F}\u{FE0F}",
            "1\u{FE0F}",
            "🏴\u{E0067}\u{E0062}",
            "a\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}",
        ] {
            assert_eq!(parse(text, 100), None, "{text:?}");
        }
    }

    #[test]
    fn refuses_texts_without_visible_characters() {
        for text in [
            "",
            " ",
            "\u{A0}\u{3000}",
            "\u{2800}",
            "\u{301}",
            "\u{2800} \u{301}",
            "\u{1D159}\u{1D159}",
            "\u{13441}\u{13442}",
            "\u{16FE4}",
        ] {
            assert_eq!(parse(text, 100), None, "{text:?}");
        }
    }

    #[test]
    fn composes_trims_and_counts_characters() {
        assert_eq!(
            parse(" \n\u{110}o\u{323}\u{302}i\u{3000}", 3).as_deref(),
            Some("Đội")
        );
        assert_eq!(parse(&"e\u{301}".repeat(100), 100), Some("é".repeat(100)));
        assert_eq!(parse(&"é".repeat(101), 100), None);
    }

    #[test]
    fn shortens_before_a_cut_sequence() {
        let long = format!("ab {FAMILY}{FAMILY}");
        for (longest, kept) in [
            (2, "ab"),
            (3, "ab"),
            (4, "ab 👨"),
            (5, "ab 👨"),
            (8, "ab 👨\u{200D}👩\u{200D}👧"),
        ] {
            assert_eq!(
                parse_shortened(&long, longest).as_deref(),
                Some(kept),
                "{longest}"
            );
        }
        assert_eq!(parse_shortened("a\u{202E}b", 1), None);
        assert_eq!(parse_shortened(" ab ", 2).as_deref(), Some("ab"));
    }

    #[test]
    fn folds_case_and_composition() {
        for (text, same) in [
            ("ĐỘI", "\u{111}o\u{323}\u{302}i"),
            ("ΣΟΦΟΣ", "σοφος"),
            ("STRASSE", "straße"),
            ("ПРИВЕТ", "привет"),
            ("ᏣᎳᎩ", "ꮳꮃꭹ"),
        ] {
            assert_eq!(fold(text), fold(same), "{text}");
        }
        assert_eq!(fold("ĐỘI"), "đội");
        assert_ne!(fold("doi"), fold("đội"));
    }

    /// Letters, blanks, joiners, marks and emoji, so that many texts are accepted.
    const MIXED: &str =
        "[aĐé \u{A0}\u{301}\u{323}می\u{200C}\u{200D}क\u{94D}👨❤\u{FE0F}🏽1\u{20E3}]{0,12}";

    proptest! {
        /// A stored text is accepted again as it is, and so is every shortened one.
        #[test]
        fn accepts_its_own_results(text in prop_oneof![".{0,12}", MIXED], longest in 1_usize..12) {
            let results = [parse(&text, 100), parse_shortened(&text, longest)];
            for parsed in results.into_iter().flatten() {
                prop_assert_eq!(parse(&parsed, 100), Some(parsed.clone()));
                prop_assert_eq!(fold(&fold(&parsed)), fold(&parsed));
            }
        }
    }
}
