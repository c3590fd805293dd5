//! Walks along a pattern. Escapes of a single byte are read here, since they are the same inside and outside a class.

/// The reason why a pattern is refused.
pub(super) type Refused = String;

/// The part of a pattern that has not been read yet.
#[derive(Clone, Copy, Default)]
pub(super) struct Cursor<'p> {
    pub(super) rest: &'p [u8],
    /// Whether the rest is known to contain no `:]`, so that not every `[[:` searches for it again.
    no_names: bool,
}

#[cfg(test)]
thread_local! {
    /// The number of bytes that were searched for closing delimiters, whether these were found or not.
    pub(super) static LOOKED_AHEAD: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

impl<'p> Cursor<'p> {
    pub(super) fn new(pattern: &'p [u8]) -> Self {
        Self {
            rest: pattern,
            no_names: false,
        }
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    pub(super) fn skip(&mut self, text: &[u8]) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Reads up to the delimiter and skips it. Without a delimiter, returns `None` and does not move.
    pub(super) fn until(&mut self, delimiter: &[u8]) -> Option<&'p [u8]> {
        let end = self
            .rest
            .windows(delimiter.len())
            .position(|window| window == delimiter);
        #[cfg(test)]
        LOOKED_AHEAD.set(LOOKED_AHEAD.get() + end.unwrap_or(self.rest.len()));
        let end = end?;
        let text = self.rest.get(..end)?;
        self.rest = self.rest.get(end + delimiter.len()..)?;
        Some(text)
    }

    /// Reads the name of a class and skips its `:]`. Without a `:]`, returns `None` and does not move.
    pub(super) fn class_name(&mut self) -> Option<&'p [u8]> {
        let name = if self.no_names {
            None
        } else {
            self.until(b":]")
        };
        self.no_names = name.is_none();
        name
    }

    pub(super) fn digits(&mut self) -> &'p [u8] {
        let end = self
            .rest
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (digits, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        digits
    }

    /// Reads an escape that stands for one byte, inside or outside a class.
    pub(super) fn escaped_byte(&mut self, escaped: Option<u8>) -> Result<u8, Refused> {
        Ok(match escaped {
            Some(b'a') => 0x07,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'v') => 0x0b,
            Some(b'x') => self.hex()?,
            Some(b'0'..=b'9') => {
                return Err("backreferences and octal are not supported: write \\xNN".into());
            }
            Some(b'p' | b'P') => {
                return Err("\\p is not supported: values are compared byte by byte".into());
            }
            Some(byte) if byte.is_ascii() && !byte.is_ascii_alphanumeric() => byte,
            Some(byte) if byte.is_ascii_graphic() => {
                return Err(format!(
                    "\\{} is not a valid escape in RE2",
                    char::from(byte)
                ));
            }
            Some(_) => return Err("a backslash before a non-ASCII byte is not valid in RE2".into()),
            None => return Err("ends in a backslash".into()),
        })
    }

    fn hex(&mut self) -> Result<u8, Refused> {
        let digits = if self.skip(b"{") {
            self.until(b"}").ok_or("\\x{ is not closed")?
        } else {
            let (digits, rest) = self
                .rest
                .split_at_checked(2)
                .ok_or("\\x needs two hexadecimal digits")?;
            self.rest = rest;
            digits
        };
        let text = std::str::from_utf8(digits).unwrap_or_default();
        match u32::from_str_radix(text, 16) {
            Ok(code) if digits.iter().all(u8::is_ascii_hexdigit) => u8::try_from(code)
                .map_err(|_| "\\x{…} is above ff: values are compared byte by byte".into()),
            _ => Err("\\x needs hexadecimal digits".into()),
        }
    }
}
