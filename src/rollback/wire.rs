//! Bytes of shared data: little-endian numbers, and parts that end with a checksum.

use xxhash_rust::xxh3::xxh3_64;

/// Length of a checksum in bytes.
pub(super) const CHECKSUM: usize = 8;

/// Reads from the front; every read is `None` where the bytes are too short.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }
}

/// Appends the XXH3 (64 bits) of everything from `start` on.
pub(super) fn seal(bytes: &mut Vec<u8>, start: usize) {
    let sum = xxh3_64(bytes.get(start..).unwrap_or_default());
    bytes.extend_from_slice(&sum.to_le_bytes());
}

/// The bytes without their checksum, if it is right.
pub(super) fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM)?)?;
    (xxh3_64(body).to_le_bytes() == sum).then_some(body)
}
