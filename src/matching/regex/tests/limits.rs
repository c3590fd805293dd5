//! The limits that bound time and memory, whatever the pattern and the value.

use super::super::cursor::LOOKED_AHEAD;
use super::super::{Regex, byte_set, parser};

#[test]
fn a_pattern_that_is_too_large_or_too_deep_is_refused() {
    assert!(Regex::new("(a{100}){10}").is_ok());
    assert!(Regex::new(&"(".repeat(100_000)).is_err());
    assert!(Regex::new(&format!("{}a{}", "(".repeat(151), ")".repeat(151))).is_err());
    assert!(Regex::new(&format!("{}a{}", "(".repeat(150), ")".repeat(150))).is_ok());
    assert!(Regex::new(&"(.{0,1000}|.{0,999})".repeat(40)).is_err());
    assert!(Regex::new(&"a{0}".repeat(8_192)).is_ok());
    assert!(Regex::new(&"a{0}".repeat(8_193)).is_err());
}

/// A part is compiled as often as it is repeated, so a part without steps would escape every limit.
#[test]
fn repeated_empty_parts_are_left_out() {
    for pattern in [
        "(()()()()){1000}",
        "(a{0}(){3}(?:){2,5}|()){0}",
        "((((((()))))))",
        "(?:(a{0})){5}",
    ] {
        let parsed = parser::parse(pattern.as_bytes()).unwrap();
        assert!(parsed.is_empty(), "{pattern}: {parsed:?}");
    }
    for pattern in ["()*", "(|a){2}", "(?:()|()){3}", "^{2}"] {
        assert!(
            !parser::parse(pattern.as_bytes()).unwrap().is_empty(),
            "{pattern}"
        );
    }
}

#[test]
fn copies_of_a_class_share_one_set() {
    let regex = Regex::new("[a-z]{1000}").unwrap();
    assert_eq!(regex.0.sets(), 1);
    assert!(regex.matches(&[b'q'; 1000]) && !regex.matches(&[b'q'; 999]));
    assert_eq!(size_of::<byte_set::ByteSet>(), 32);
}

/// If each of these openings searched the whole rest of the pattern, a pattern of 32 KB would take seconds.
#[test]
fn a_missing_delimiter_is_not_searched_for_again_and_again() {
    for opening in ["{", "{1,", "[[:a]"] {
        let pattern = opening.repeat(32_768 / opening.len());
        LOOKED_AHEAD.set(0);
        drop(parser::parse(pattern.as_bytes()));
        assert!(
            LOOKED_AHEAD.get() <= 2 * pattern.len(),
            "{opening}: {}",
            LOOKED_AHEAD.get()
        );
    }
}

#[test]
fn matching_does_not_backtrack() {
    // A backtracking engine needs 2^n steps for the first pattern and n² or more for the second.
    for pattern in [
        "(a*)*b",
        "(.*)(.*)(.*)(.*)x",
        "(a|a)*b",
        "(?:a?){100}(?:a){100}",
    ] {
        let regex = Regex::new(pattern).unwrap();
        assert!(!regex.matches(&b"a".repeat(60_000)), "{pattern}");
    }
}

#[test]
fn no_step_is_entered_twice_for_one_byte() {
    for pattern in [
        "(a*)*b",
        "((a?)*)*b",
        "(.*)(.*)(.*)(.*)x",
        "(a|a)*b",
        "(?:a?){100}(?:a){100}b",
    ] {
        let regex = Regex::new(pattern).unwrap();
        for length in [1_000, 2_000] {
            let (work, steps) = regex.0.work(&b"a".repeat(length));
            assert!(work > length.min(200), "{pattern}: nothing was counted");
            assert!(
                work <= (length + 1) * steps,
                "{pattern}: {work} entered, {steps} steps, {length} bytes"
            );
        }
    }
}
