use proptest::prelude::*;

use super::*;
use crate::rollback::settings::Given;

fn settings() -> Settings {
    Settings::new(&Given {
        destinations: &[("blue-sub", true), ("green-sub", true)],
        stable: 0,
        threshold: 50,
        interval_ms: 60_000,
        retry_after_ms: Some(600_000),
        observe: false,
        keyed: false,
        fingerprint: 0x0102_0304_0506_0708,
    })
    .unwrap()
}

fn bytes(states: &[State]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes, &settings(), states);
    bytes
}

fn states() -> [State; 2] {
    let green = State {
        out: true,
        observed: false,
        since_ms: 86_400_000,
        since_unix: 1_796_115_600,
        wait_ms: 1_200_000,
        until_ms: 87_600_000,
        returned_ms: NEVER_BACK,
        weight: 25,
        others: 75,
    };
    [State::default(), green]
}

const NEVER_BACK: u64 = u64::MAX;

/// Frozen: running proxies hold these bytes, and other versions of the module read them. If this test fails, a
/// rolled-back canary comes back when the module is updated. Change the code, not the bytes.
const GOLDEN: &str = "
    636e7262 01 9b000000 0807060504030201
    031e8afc99432132 00 0000000000000000 0000000000000000
    0000000000000000 ffffffffffffffff ffffffffffffffff
    0000000000000000 0000000000000000
    f7af64d206590124 01 005c260500000000 908c0e6b00000000
    804f120000000000 80ab380500000000 ffffffffffffffff
    1900000000000000 4b00000000000000
    d941894c612c2bc2
";

#[test]
fn the_frozen_part_has_the_bytes_that_every_version_reads_and_writes() {
    let bytes = bytes(&states());
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, GOLDEN.replace(['\n', ' '], ""));
    let (frozen, rest) = read(&bytes).unwrap();
    assert_eq!(frozen.fingerprint, settings().fingerprint);
    assert!(frozen.entries.iter().map(|entry| entry.1).eq(states()));
    assert_eq!(rest, b"");
}

#[test]
fn what_follows_the_frozen_part_is_left_to_its_reader() {
    let mut bytes = bytes(&states());
    bytes.extend_from_slice(b"windows");
    assert_eq!(read(&bytes).unwrap().1, b"windows");
}

proptest! {
    #[test]
    fn what_is_written_is_read(numbers in any::<[u64; 7]>(), out in any::<bool>(), observed in any::<bool>()) {
        let [since_ms, since_unix, wait_ms, until_ms, returned_ms, weight, others] = numbers;
        let state = State { out, observed, since_ms, since_unix, wait_ms, until_ms, returned_ms, weight, others };
        let bytes = bytes(&[state, State::default()]);
        let (frozen, _) = read(&bytes).unwrap();
        prop_assert_eq!(frozen.entries[0].1, state);
    }

    #[test]
    fn a_byte_that_differs_or_is_missing_makes_it_absent(at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let mut bytes = bytes(&states());
        let at = at.index(bytes.len());
        prop_assert!(read(&bytes[..at]).is_none());
        bytes[at] ^= flip;
        prop_assert!(read(&bytes).is_none());
    }

    #[test]
    fn garbage_is_absent(garbage in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut bytes = garbage;
        prop_assert!(read(&bytes).is_none());
        bytes.splice(0..0, *b"cnrb\x01");
        prop_assert!(read(&bytes).is_none());
    }
}
