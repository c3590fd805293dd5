//! What the filter refuses and a schema accepts. Each entry is a part of the filter's reason.

/// Whether a JSON Schema cannot express this fault.
pub(crate) fn is_unsayable(line: &str) -> bool {
    // The grammar of RE2, and how much all patterns of a configuration may cost.
    let is_of_a_pattern = line.contains(".regex: ")
        && !line.ends_with("is empty")
        && !line.ends_with("write `.*`")
        && !line.contains("invalid type");
    is_of_a_pattern || UNSAYABLE.iter().any(|reason| line.contains(reason))
}

const UNSAYABLE: &[&str] = &[
    // Two parts of a configuration are compared.
    "is the name of an earlier rule",
    "has the same subset, cluster or host as an earlier one",
    "is the name of another header of the filter",
    "is never reached: a key before it is always taken first",
    "is not a destination of this rule",
    "is not later than that of the step before",
    "entries, and route has",
    // The filter takes a number with a fraction of 0 for a fraction, and JSON Schema for a whole number.
    "invalid type: floating point `1.0`",
    // Arithmetic: lengths of times, days of months, tenths in binary.
    "is not from 1s to 10m",
    "is not above 0s",
    "`2026-02-31T09:00:00Z` is not a time with its offset",
    "is not a number above 0 and at most 100 with one decimal at most",
];
