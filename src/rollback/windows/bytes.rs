//! The windows in a record's bytes. Unlike the frozen part, this may change with every version: a version that does
//! not know it begins with empty windows.

use super::{Column, Slot, Windows};
use crate::rollback::keys::{Keys, Seen};
use crate::rollback::settings::Settings;
use crate::rollback::wire::{Bytes, seal, unseal};

/// To be raised with every change of what [`Windows::write`] writes.
const VERSION: u8 = 1;

impl Windows {
    /// The windows in these bytes, if they are whole, of this version and of this interval. `order` says where each
    /// destination of the settings is among those of the bytes.
    pub(in crate::rollback) fn read(
        bytes: &[u8],
        settings: &Settings,
        order: &[usize],
    ) -> Option<Self> {
        let mut body = Bytes(unseal(bytes)?);
        if body.u8()? != VERSION || body.u64()? != settings.interval_ms {
            return None;
        }
        let newest_ms = body.u64()?;
        let found: Box<[Column]> = order
            .iter()
            .map(|_| read_column(&mut body, settings))
            .collect::<Option<_>>()?;
        let columns = order.iter().map(|&found_at| found.get(found_at).cloned());
        let columns = columns.collect::<Option<_>>()?;
        body.0.is_empty().then_some(Self { newest_ms, columns })
    }

    /// Appends the windows.
    pub(in crate::rollback) fn write(&self, bytes: &mut Vec<u8>, settings: &Settings) {
        let start = bytes.len();
        bytes.push(VERSION);
        bytes.extend_from_slice(&settings.interval_ms.to_le_bytes());
        bytes.extend_from_slice(&self.newest_ms.to_le_bytes());
        for column in &self.columns {
            bytes.extend_from_slice(&column.since_ms.to_le_bytes());
            for place in column.keys.places() {
                let (key, next_ms) =
                    place.map_or((0, 0), |seen| (seen.key, seen.at_ms.saturating_add(1)));
                bytes.extend_from_slice(&key.to_le_bytes());
                bytes.extend_from_slice(&next_ms.to_le_bytes());
            }
            for slot in &column.slots {
                bytes.extend_from_slice(&slot.requests.to_le_bytes());
                bytes.extend_from_slice(&slot.errors.to_le_bytes());
            }
        }
        seal(bytes, start);
    }
}

fn read_column(bytes: &mut Bytes<'_>, settings: &Settings) -> Option<Column> {
    let since_ms = bytes.u64()?;
    let mut places = [None; 3];
    for place in &mut places {
        let (key, next_ms) = (bytes.u64()?, bytes.u64()?);
        *place = next_ms.checked_sub(1).map(|at_ms| Seen { key, at_ms });
    }
    let slot = |_| {
        let (requests, errors) = (bytes.u32()?, bytes.u32()?);
        Some(Slot { requests, errors })
    };
    let slots = (0..settings.slots).map(slot).collect::<Option<_>>()?;
    Some(Column {
        since_ms,
        keys: Keys::from_places(places),
        slots,
    })
}
