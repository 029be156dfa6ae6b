//! The language of messages for people.

/// The language of messages for people. Codes and messages for developers have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English, the default.
    #[default]
    English,
    /// Vietnamese.
    Vietnamese,
}

impl Language {
    /// Selects by the `Accept-Language` header: the supported language with the highest weight, of equals the first.
    #[must_use]
    pub fn accepted(header: &str) -> Self {
        let mut chosen = (Self::English, 0.0);
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default();
            let language = match tag.split('-').next().unwrap_or_default() {
                known if known.eq_ignore_ascii_case("vi") => Self::Vietnamese,
                known if known.eq_ignore_ascii_case("en") || known == "*" => Self::English,
                _ => continue,
            };
            let weight = parts
                .find_map(|part| part.strip_prefix("q="))
                .map_or(Some(1.0), |weight| weight.parse::<f32>().ok())
                .unwrap_or(0.0);
            if weight > chosen.1 {
                chosen = (language, weight);
            }
        }
        chosen.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selects_the_supported_language_with_most_weight() {
        for (header, language) in [
            ("", Language::English),
            ("vi", Language::Vietnamese),
            ("vi-VN,vi;q=0.9,en-US;q=0.6,en;q=0.5", Language::Vietnamese),
            ("fr, VI;q=0.3, en;q=0.2", Language::Vietnamese),
            ("en-GB,vi;q=0.9", Language::English),
            ("en;q=0.5, vi;q=0.8", Language::Vietnamese),
            ("*, vi;q=0.5", Language::English),
            ("vi;q=0", Language::English),
            ("vi;q=x, ,;;", Language::English),
            ("fr", Language::English),
        ] {
            assert_eq!(Language::accepted(header), language, "{header}");
        }
    }
}
