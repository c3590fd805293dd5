//! The decision about one request.

use crate::choosing::reason::Reason;

/// The decision about one request, as numbers that are good for the policy that made it. It borrows nothing, so that a
/// stream can keep it until the answer has come; [`Policy::describe`](crate::Policy::describe) gives the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The rule that matched, by its place in the configuration.
    pub rule: u32,
    /// Where the request goes, by its place in the rule.
    pub destination: u32,
    /// Why it goes there.
    pub reason: Reason,
    /// The kind of key that decided, when one did.
    pub key: Option<KeyKind>,
    /// The cookie that the answer gives a new user.
    pub cookie: Option<Issued>,
    /// A hash of the key that decided.
    pub user: Option<u64>,
    /// The destination's part of the weights in force, in 1/10 000.
    pub share: u16,
}

/// A kind of key that a user can be known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// A request header's value.
    Header,
    /// A cookie's value.
    Cookie,
    /// A query parameter's value.
    Query,
    /// The client's address.
    SourceIp,
}

/// A new user's key, which the rule's cookie carries from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issued {
    key: u128,
    secure: bool,
}

impl KeyKind {
    /// How outputs name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::Query => "query",
            Self::SourceIp => "source-ip",
        }
    }
}

impl Issued {
    /// A key of 128 random bits; `secure` when the request came by https.
    pub fn new(key: u128, secure: bool) -> Self {
        Self { key, secure }
    }

    /// Another key for the same user, this far from it.
    pub(crate) fn further(self, by: u128) -> Self {
        Self {
            key: self.key.wrapping_add(by),
            ..self
        }
    }

    /// The key as the cookie carries it: 32 hexadecimal digits.
    pub fn key(self) -> [u8; 32] {
        let mut digits = [0; 32];
        for (place, digit) in digits.iter_mut().rev().enumerate() {
            let value = (self.key >> (4 * place) & 0xf) as u8;
            *digit = match value {
                0..=9 => b'0' + value,
                _ => b'a' - 10 + value,
            };
        }
        digits
    }

    /// Whether the request came by https.
    pub(crate) fn is_secure(self) -> bool {
        self.secure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_32_hexadecimal_digits() {
        for key in [0, 1, 0xf, 0x1234_5678_9abc_def0, u128::MAX, u128::MAX << 4] {
            let digits = Issued::new(key, false).key();
            assert_eq!(digits.as_slice(), format!("{key:032x}").as_bytes());
        }
    }
}
