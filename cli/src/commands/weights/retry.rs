//! A new text for `rollback.retry`. The filter ends a rollback when the text differs from the one before.

use crate::document::configuration::Configuration;
use crate::document::splice::steps_to_rollback;
use crate::fault::{Fault, path_of};

/// The longest text that the filter accepts, in characters.
const LONGEST: usize = 63;

/// The text after this one: its number, at the end, is one higher.
pub(super) fn after(text: Option<&str>) -> String {
    let text = text.unwrap_or_default();
    let start = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = text.strip_prefix(start).unwrap_or_default();
    let next = match number.parse::<u64>().ok().and_then(|it| it.checked_add(1)) {
        // Zeros in front stay: 009 becomes 010.
        Some(next) => format!("{start}{next:0width$}", width = number.len()),
        None if text.is_empty() => "1".to_owned(),
        None => format!("{text}-2"),
    };
    if next.chars().count() <= LONGEST {
        next
    } else {
        "1".to_owned()
    }
}

/// The fault of a rule that has nothing to retry.
pub(super) fn no_rollback(configuration: &Configuration<'_>, rule: usize) -> Fault {
    let steps = steps_to_rollback(rule);
    let reason = "is missing, so the rule has no rollback that a retry could end";
    Fault::at(configuration.place_of(&steps), reason).on(path_of(&steps))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_number_at_the_end_is_one_higher() {
        for (text, next) in [
            (None, "1"),
            (Some(""), "1"),
            (Some("1"), "2"),
            (Some("9"), "10"),
            (Some("build-009"), "build-010"),
            (Some("fixed"), "fixed-2"),
            (Some("2026-12-01"), "2026-12-02"),
            (Some("18446744073709551615"), "18446744073709551615-2"),
        ] {
            assert_eq!(after(text), next, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn the_new_text_differs_and_is_accepted(text in "(\\PC|[0-9]){0,63}") {
            let next = after(Some(&text));
            prop_assert_ne!(&next, &text);
            prop_assert!(next.chars().count() <= LONGEST);
        }
    }
}
