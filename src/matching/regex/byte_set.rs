//! Sets of bytes, which represent RE2's classes in Latin-1.

/// A set of bytes, with one bit for each of the 256. It is small because a pattern that ignores case has one per letter.
#[derive(Clone, Copy, Debug)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    pub(super) const EMPTY: Self = Self([0; 4]);

    /// The bytes for which the condition holds.
    pub(super) fn of(condition: impl Fn(u8) -> bool) -> Self {
        Self::from_bytes((0..=u8::MAX).filter(|byte| condition(*byte)))
    }

    pub(super) fn from_bytes(bytes: impl Iterator<Item = u8>) -> Self {
        let mut set = Self::EMPTY;
        for byte in bytes {
            if let Some(word) = set.0.get_mut(usize::from(byte >> 6)) {
                *word |= 1 << (byte & 63);
            }
        }
        set
    }

    pub(super) fn union(self, other: Self) -> Self {
        let [a, b, c, d] = self.0;
        let [e, f, g, h] = other.0;
        Self([a | e, b | f, c | g, d | h])
    }

    pub(super) fn complement(self) -> Self {
        Self(self.0.map(|word| !word))
    }

    /// The set with both cases of each of its letters. In Latin-1, RE2 folds the case of ASCII letters only.
    pub(super) fn folded(self) -> Self {
        Self::of(|b| self.has(b.to_ascii_lowercase()) || self.has(b.to_ascii_uppercase()))
    }

    /// The bytes that are in both sets.
    #[cfg(any(test, not(feature = "proxy")))]
    pub(super) fn intersection(self, other: Self) -> Self {
        self.complement().union(other.complement()).complement()
    }

    /// Whether it has no byte.
    #[cfg(any(test, not(feature = "proxy")))]
    pub(super) fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    pub(super) fn has(&self, byte: u8) -> bool {
        self.0
            .get(usize::from(byte >> 6))
            .is_some_and(|word| word >> (byte & 63) & 1 == 1)
    }
}

/// The set of `\d`, `\s` or `\w`, or in upper case its complement. RE2's `\s` does not include the vertical tab.
pub(super) fn perl(name: u8) -> Option<ByteSet> {
    let set = match name.to_ascii_lowercase() {
        b'd' => ByteSet::of(|b| b.is_ascii_digit()),
        b's' => ByteSet::of(|b| matches!(b, b'\t' | b'\n' | 0x0c | b'\r' | b' ')),
        b'w' => ByteSet::of(is_word),
        _ => return None,
    };
    Some(if name.is_ascii_uppercase() {
        set.complement()
    } else {
        set
    })
}

/// The set of a class by its name, which stands between `[:` and `:]`.
pub(super) fn posix(name: &[u8], fold: bool) -> Option<ByteSet> {
    let (negated, name) = match name {
        [b'^', name @ ..] => (true, name),
        name => (false, name),
    };
    let set = match name {
        b"alnum" => ByteSet::of(|b| b.is_ascii_alphanumeric()),
        b"alpha" => ByteSet::of(|b| b.is_ascii_alphabetic()),
        b"ascii" => ByteSet::of(|b| b.is_ascii()),
        b"blank" => ByteSet::of(|b| matches!(b, b'\t' | b' ')),
        b"cntrl" => ByteSet::of(|b| b.is_ascii_control()),
        b"digit" => ByteSet::of(|b| b.is_ascii_digit()),
        b"graph" => ByteSet::of(|b| b.is_ascii_graphic()),
        b"lower" => ByteSet::of(|b| b.is_ascii_lowercase()),
        b"print" => ByteSet::of(|b| matches!(b, b' '..=b'~')),
        b"punct" => ByteSet::of(|b| b.is_ascii_punctuation()),
        b"space" => ByteSet::of(|b| matches!(b, b'\t'..=b'\r' | b' ')),
        b"upper" => ByteSet::of(|b| b.is_ascii_uppercase()),
        b"word" => ByteSet::of(is_word),
        b"xdigit" => ByteSet::of(|b| b.is_ascii_hexdigit()),
        _ => return None,
    };
    let set = if fold { set.folded() } else { set };
    Some(if negated { set.complement() } else { set })
}

/// Whether `\w` matches the byte. A word boundary separates a byte that it matches from one that it does not.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
