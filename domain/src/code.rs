//! Codes that people read and type: letters and digits without look-alikes.

/// A–Z and 2–9 without I and O.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Whether a text has only letters of codes.
pub(crate) fn is_code(text: &str) -> bool {
    text.bytes().all(|byte| ALPHABET.contains(&byte))
}

/// Letters of random bytes, one each.
pub(crate) fn letters(bytes: impl IntoIterator<Item = u8>) -> String {
    let letter = |byte: u8| {
        let index = usize::from(byte & 31);
        char::from(ALPHABET.get(index).copied().unwrap_or(b'A'))
    };
    bytes.into_iter().map(letter).collect()
}
