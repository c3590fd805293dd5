use super::*;

#[test]
fn percentages_and_failures_are_read() {
    for (text, share) in [
        ("20%", 0.2),
        ("20", 0.2),
        ("0.5 %", 0.005),
        ("0", 0.0),
        ("100%", 1.0),
    ] {
        assert_eq!(percent(text), Ok(share), "{text}");
    }
    for text in ["", "%", "-1", "101", "NaN", "a%", "20%%"] {
        assert!(percent(text).is_err(), "{text}");
    }
    let failing: Failing = "a=b=20%".parse().unwrap();
    assert_eq!((failing.label.as_str(), failing.errors), ("a=b", 0.2));
    for text in ["green", "=20%", "green=", "green=x"] {
        assert!(text.parse::<Failing>().is_err(), "{text}");
    }
}

#[test]
fn a_spread_is_the_middle_and_the_bounds_of_the_middle_80_percent() {
    let spread = Spread::of((0..=10).rev().map(f64::from)).unwrap();
    assert_eq!((spread.low, spread.median, spread.high), (1.0, 5.0, 9.0));
    assert_eq!(Spread::of(std::iter::empty()), None);
}
