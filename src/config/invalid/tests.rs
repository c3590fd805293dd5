use super::*;

#[test]
fn a_fault_has_its_path_and_reason() {
    let fault = InvalidConfig::new("-5 is negative")
        .at("weight")
        .at(1)
        .at("route");
    assert_eq!(fault.to_string(), "route[1].weight: -5 is negative");
    assert_eq!(fault.path().to_string(), "route[1].weight");
    assert_eq!((fault.reason(), fault.position()), ("-5 is negative", None));
}

#[test]
fn a_fault_is_always_one_short_line() {
    let fault = InvalidConfig::new("x".repeat(9_999)).at_name("a\r\nb\u{85}c");
    let line = fault.to_string();
    assert!(line.starts_with("a\\r\\nb\\u{85}c: xxx"), "{line}");
    assert!(!line.chars().any(char::is_control));
    for reason in ["x", "\u{7f}"] {
        let line = InvalidConfig::new(reason.repeat(9_999)).to_string();
        assert_eq!(line.chars().count(), LONGEST + 2, "{line}");
    }
}

/// Items below 0 have two faults each.
fn build(items: &[i32], mut faults: Faults) -> (Option<Vec<i32>>, Vec<String>) {
    let items: Vec<_> = items.iter().copied().map(Some).collect();
    let built = faults.within("outer", |faults| {
        faults.each("list", &items, |index, item, faults| {
            if *item < 0 {
                faults.report(InvalidConfig::new("is negative"));
                faults.keep::<()>(Err(InvalidConfig::new("twice").at("inner")));
                return None;
            }
            Some(*item + i32::try_from(index).unwrap())
        })
    });
    let found = faults.into_found();
    (built, found.iter().map(ToString::to_string).collect())
}

#[test]
fn all_faults_are_collected_with_their_paths() {
    let (built, found) = build(&[1, -1, 2, -2], Faults::at_most(100));
    assert_eq!(built, None);
    assert_eq!(
        found,
        [
            "outer.list[1]: is negative",
            "outer.list[1].inner: twice",
            "outer.list[3]: is negative",
            "outer.list[3].inner: twice",
        ]
    );
    assert_eq!(build(&[1, 1], Faults::first()), (Some(vec![1, 2]), vec![]));
}

#[test]
fn no_more_faults_are_kept_than_asked_for() {
    let (built, found) = build(&[-1, -1], Faults::first());
    assert_eq!(
        (built, found),
        (None, vec!["outer.list[0]: is negative".to_owned()])
    );
    assert_eq!(build(&[-1, -1], Faults::at_most(3)).1.len(), 3);
}
