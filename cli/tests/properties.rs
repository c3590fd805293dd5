//! No input makes the command panic, and a change never changes anything but the weights.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use canary::{Change, Checked, Circumstances, Weight, change_weights};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use support::{ecds, plugin};

fn files() -> Vec<String> {
    let bare = "{\"http\": [{\"name\": \"color\", \"route\": [{\"cluster\": \"blue-sub\"}, {\"cluster\": \"green-sub\", \"weight\": 25}]}]}";
    let merged = "kind: WasmPlugin\nspec:\n  pluginConfig:\n    http:\n    - name: color\n      route:\n      - &b {cluster: blue-sub, weight: 75}\n      - {<<: *b, cluster: green-sub, weight: 25}\n";
    vec![
        merged.to_owned(),
        ecds("75", "25"),
        plugin("0x10", "25"),
        ecds("75", "25").replace('\n', "\r\n"),
        bare.to_owned(),
    ]
}

fn check(file: &[u8], must_be_json: bool) -> Checked {
    let circumstances = Circumstances {
        now: 0,
        surroundings: None,
    };
    canary::check(file, must_be_json, circumstances)
}

fn change(blue: u32, green: u32) -> Change {
    let weight = |label: &str, weight| Weight {
        label: label.to_owned(),
        weight,
    };
    Change::new(
        "color",
        vec![weight("blue-sub", blue), weight("green-sub", green)],
    )
    .unwrap()
}

/// Pieces that have a meaning in YAML or JSON.
fn piece() -> impl Strategy<Value = String> {
    let known = [
        "\n", "\r", "\t", " ", "  ", "- ", ": ", "{", "}", "[", "]", ",", "\"", "'", "\\", "#",
        "&a ", "*a", "!!str ", "|", ">", "---\n", "...\n", "? ", "weight", "75", "-", "0",
        "\u{feff}", "ä", "😀", "\u{0}", "<<", "%", "http", "\u{2028}",
    ];
    prop_oneof![4 => select(known.to_vec()).prop_map(str::to_owned), 1 => any::<String>()]
}

/// The part that differs, without the common beginning and end.
fn difference<'a>(before: &'a str, after: &'a str) -> (&'a str, &'a str) {
    let start = before
        .char_indices()
        .zip(after.chars())
        .find(|((_, a), b)| a != b)
        .map_or(before.len().min(after.len()), |((at, _), _)| at);
    let same_end = before[start..]
        .chars()
        .rev()
        .zip(after[start..].chars().rev())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum::<usize>();
    (
        &before[start..before.len() - same_end],
        &after[start..after.len() - same_end],
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), json: bool) {
        let _ = check(&bytes, json);
        let _ = change_weights(&bytes, json, &change(1, 2));
    }

    #[test]
    fn no_sequence_of_yaml_tokens_panics(pieces in prop::collection::vec(piece(), 0..60)) {
        let _ = check(pieces.concat().as_bytes(), false);
    }

    #[test]
    fn weights_can_be_changed_and_changed_back(file in select(files()), blue in 1_u32..=2_147_483_647, green in 0_u32..=2_147_483_647) {
        let there = change_weights(file.as_bytes(), false, &change(blue, green)).unwrap();
        let there = there.text.unwrap_or(file);
        let other = change_weights(there.as_bytes(), false, &change(7, 8)).unwrap().text.unwrap();
        let back = change_weights(other.as_bytes(), false, &change(blue, green)).unwrap().text.unwrap();
        prop_assert_eq!(back, there);
    }

    /// In a randomly damaged file, one weight changes and everything else stays, damage included, or the file is refused.
    #[test]
    fn a_damaged_file_is_refused_or_changed_in_one_number_only(
        file in select(files()),
        damage in prop::collection::vec((any::<Index>(), 0_usize..4, piece()), 1..4),
    ) {
        let mut chars: Vec<char> = file.chars().collect();
        for (at, removed, piece) in damage {
            let at = at.index(chars.len());
            let end = (at + removed).min(chars.len());
            chars.splice(at..end, piece.chars());
        }
        let damaged: String = chars.into_iter().collect();
        let _ = check(damaged.as_bytes(), true);
        let only = Change::new("color", vec![Weight { label: "green-sub".to_owned(), weight: 31_337 }]).unwrap();
        if let Ok(changed) = change_weights(damaged.as_bytes(), false, &only) {
            let after = changed.text.unwrap();
            let (old, new) = difference(&damaged, &after);
            prop_assert!("31337, \"weight\": ".contains(new) || new.contains("31337"), "{:?} became {:?}", old, new);
            prop_assert!(old.len() <= 6 && !old.contains(['"', '{', ',', '\n']), "{:?} became {:?}", old, new);
        }
    }
}
