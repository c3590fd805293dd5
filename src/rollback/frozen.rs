//! The part of a record that says what is rolled back. **Its format is frozen.**
//!
//! A proxy lives longer than a version of the module: after an update the new version finds what the old one wrote,
//! and for some seconds both write. So every later version reads and writes exactly these bytes. What a later version
//! has to say beyond them goes into a part of its own.
//!
//! ```text
//! magic        4   "cnrb"
//! version      1   1
//! length       4   of this part, checksum included
//! fingerprint  8   of what a rollback depends on
//! per destination:
//!   label      8   XXH3_64(label)
//!   flags      1   1 = out, 2 = the last rollback was only observed
//!   since      8   when the last rollback began, ms
//!   unix       8   the same as wall-clock time, s
//!   wait       8   the last wait, ms
//!   until      8   when the wait is over, ms; 2^64 - 1 = never
//!   returned   8   when it last came back, ms; 2^64 - 1 = never
//!   weight     8   in force when it was rolled back
//!   others     8   the sum of the others' at that time
//! checksum     8   XXH3_64 of everything before
//! ```
//!
//! Numbers are little-endian; ms are those of the monotonic clock that the workers of a proxy share.

use super::settings::{MAX_DESTINATIONS, Settings};
use super::state::State;
use super::wire::{Bytes, CHECKSUM, seal, unseal};

const MAGIC: &[u8] = b"cnrb";
const VERSION: u8 = 1;
const HEADER: usize = 4 + 1 + 4 + 8;
const ENTRY: usize = 8 + 1 + 7 * 8;
const OUT: u8 = 1;
const OBSERVED: u8 = 2;

/// The frozen part as it was found: of any configuration.
pub(super) struct Frozen {
    pub(super) fingerprint: u64,
    /// The hash of each destination's label and its state, in the order of the configuration that wrote them.
    pub(super) entries: Vec<(u64, State)>,
}

/// The frozen part, and the bytes after it; `None` for anything but a whole one.
pub(super) fn read(bytes: &[u8]) -> Option<(Frozen, &[u8])> {
    let mut header = Bytes(bytes);
    if header.take(MAGIC.len())? != MAGIC || header.u8()? != VERSION {
        return None;
    }
    let length = usize::try_from(header.u32()?).ok()?;
    if length > HEADER + MAX_DESTINATIONS * ENTRY + CHECKSUM {
        return None;
    }
    let (part, rest) = bytes.split_at_checked(length)?;
    let mut body = Bytes(unseal(part)?);
    body.take(HEADER - 8)?;
    let fingerprint = body.u64()?;
    let mut entries = Vec::new();
    while !body.0.is_empty() {
        entries.push(read_entry(&mut body)?);
    }
    Some((
        Frozen {
            fingerprint,
            entries,
        },
        rest,
    ))
}

fn read_entry(bytes: &mut Bytes<'_>) -> Option<(u64, State)> {
    let label = bytes.u64()?;
    let flags = bytes.u8()?;
    let state = State {
        out: flags & OUT != 0,
        observed: flags & OBSERVED != 0,
        since_ms: bytes.u64()?,
        since_unix: bytes.u64()?,
        wait_ms: bytes.u64()?,
        until_ms: bytes.u64()?,
        returned_ms: bytes.u64()?,
        weight: bytes.u64()?,
        others: bytes.u64()?,
    };
    Some((label, state))
}

/// Appends the frozen part to empty bytes.
pub(super) fn write(bytes: &mut Vec<u8>, settings: &Settings, states: &[State]) {
    let length = HEADER + settings.destinations() * ENTRY + CHECKSUM;
    bytes.extend_from_slice(MAGIC);
    bytes.push(VERSION);
    bytes.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(&settings.fingerprint.to_le_bytes());
    for (watched, state) in settings.destinations.iter().zip(states) {
        let out = if state.out { OUT } else { 0 };
        let observed = if state.observed { OBSERVED } else { 0 };
        bytes.extend_from_slice(&watched.label.to_le_bytes());
        bytes.push(out | observed);
        for number in [
            state.since_ms,
            state.since_unix,
            state.wait_ms,
            state.until_ms,
            state.returned_ms,
            state.weight,
            state.others,
        ] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }
    seal(bytes, 0);
}

#[cfg(test)]
mod tests;
