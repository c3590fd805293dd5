//! The properties for the seeds and for random edits of them, within the time of a test.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;

/// The stored inputs of a target.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("seeds")
        .join(target);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{target} has seeds");
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

#[derive(Clone, Debug)]
enum Edit {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, u8),
    Repeat(Index, u8),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        (at(), prop::collection::vec(any::<u8>(), 1..8))
            .prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (at(), 1..9_u8).prop_map(|(at, length)| Edit::Remove(at, length)),
        (at(), 1..99_u8).prop_map(|(at, length)| Edit::Repeat(at, length)),
    ]
}

fn edited(seed: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for edit in edits {
        let (Edit::Set(at, _) | Edit::Insert(at, _) | Edit::Remove(at, _) | Edit::Repeat(at, _)) =
            edit;
        let at = at.index(bytes.len() + 1);
        let to = |length: &u8| bytes.len().min(at + usize::from(*length));
        match edit {
            Edit::Set(_, byte) => bytes.get_mut(at).map_or((), |slot| *slot = *byte),
            Edit::Insert(_, new) => drop(bytes.splice(at..at, new.iter().copied())),
            Edit::Remove(_, length) => drop(bytes.drain(at..to(length))),
            Edit::Repeat(_, length) => bytes.extend_from_within(at..to(length)),
        }
    }
    bytes
}

#[test]
fn the_properties_hold_for_the_seeds() {
    seeds("config").iter().for_each(|bytes| fuzz::config(bytes));
    seeds("request")
        .iter()
        .for_each(|bytes| fuzz::request(bytes));
    seeds("native").iter().for_each(|bytes| fuzz::native(bytes));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

    #[test]
    fn any_bytes_are_accepted_or_refused(
        seed in prop::sample::select(seeds("config")),
        edits in prop::collection::vec(edit(), 0..6),
    ) {
        fuzz::config(&edited(&seed, &edits));
    }

    #[test]
    fn any_request_is_decided(
        rules in any::<[u8; 2]>(),
        seed in prop::sample::select(seeds("request")),
        edits in prop::collection::vec(edit(), 0..6),
    ) {
        fuzz::request(&[&rules, &edited(&seed, &edits)[..]].concat());
    }
}

proptest! {
    // One case loads eight configurations or more.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn the_native_module_handles_any_bytes(
        seed in prop::sample::select(seeds("native")),
        edits in prop::collection::vec(edit(), 0..6),
    ) {
        fuzz::native(&edited(&seed, &edits));
    }
}
