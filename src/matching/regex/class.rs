//! `[…]`, a class of bytes.

use super::byte_set::{self, ByteSet};
use super::cursor::{Cursor, Refused};

/// Reads a class after its `[`. If `fold` is set, the class ignores the case of letters.
pub(super) fn class(cursor: &mut Cursor<'_>, fold: bool) -> Result<ByteSet, Refused> {
    Class { cursor, fold }.read()
}

struct Class<'c, 'p> {
    cursor: &'c mut Cursor<'p>,
    fold: bool,
}

impl Class<'_, '_> {
    /// Reads up to the closing `]`. A `-` that makes no range stands for itself, and so does a `[` that opens no `[:name:]`.
    fn read(&mut self) -> Result<ByteSet, Refused> {
        let negated = self.cursor.skip(b"^");
        let mut set = ByteSet::EMPTY;
        let mut first = true;
        loop {
            match self.cursor.next().ok_or("a `[` is not closed")? {
                b']' if !first => break,
                b'[' if self.cursor.rest.starts_with(b":") => {
                    set = set.union(self.posix_or_range()?)
                }
                b'\\'
                    if self
                        .cursor
                        .rest
                        .first()
                        .copied()
                        .and_then(byte_set::perl)
                        .is_some() =>
                {
                    let named = self.cursor.next().and_then(byte_set::perl);
                    set = set.union(named.unwrap_or(ByteSet::EMPTY));
                }
                byte => set = set.union(self.range(byte)?),
            }
            first = false;
        }
        Ok(if negated { set.complement() } else { set })
    }

    fn posix_or_range(&mut self) -> Result<ByteSet, Refused> {
        let start = self.cursor.rest;
        self.cursor.skip(b":");
        match self.cursor.class_name() {
            Some(name) => {
                byte_set::posix(name, self.fold).ok_or("[:…:] names an unknown class".into())
            }
            None => {
                self.cursor.rest = start;
                self.range(b'[')
            }
        }
    }

    fn range(&mut self, byte: u8) -> Result<ByteSet, Refused> {
        let low = self.class_byte(Some(byte))?;
        let mut high = low;
        if self.cursor.rest.starts_with(b"-")
            && !self.cursor.rest.starts_with(b"-]")
            && self.cursor.rest.len() > 1
        {
            self.cursor.skip(b"-");
            let byte = self.cursor.next();
            high = self.class_byte(byte)?;
        }
        if high < low {
            return Err("a range in […] ends before it begins".into());
        }
        let set = ByteSet::from_bytes(low..=high);
        Ok(if self.fold { set.folded() } else { set })
    }

    fn class_byte(&mut self, byte: Option<u8>) -> Result<u8, Refused> {
        match byte {
            Some(b'\\') => {
                let escaped = self.cursor.next();
                self.cursor.escaped_byte(escaped)
            }
            Some(byte) => Ok(byte),
            None => Err("a `[` is not closed".into()),
        }
    }
}
