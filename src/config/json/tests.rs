use super::*;
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads a part of the wire form.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, InvalidConfig> {
    T::deserialize(&Json::parse(text.as_bytes()).unwrap())
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outer {
    list: Vec<Option<Inner>>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    text: String,
}

#[test]
fn a_fault_has_the_path_to_its_place() {
    for (text, line) in [
        (
            r#"{"list": [{"text": "a"}, {"text": 5}]}"#,
            "list[1].text: invalid type: integer `5`, expected a string",
        ),
        (
            r#"{"list": [{"text": "a", "more": 1}]}"#,
            "list[0].more: unknown field `more`, expected one of `text`",
        ),
        (r#"{"list": [{}]}"#, "list[0]: missing field `text`"),
        (
            r#"{"list": [{"text": "a", "text": "b"}]}"#,
            "list[0].text: is given twice",
        ),
        (
            r#"{"list": [["a"]]}"#,
            "list[0]: invalid type: sequence, expected an object",
        ),
        (
            r#"{"list": null}"#,
            "list: invalid type: null, expected a sequence",
        ),
        (
            r#""list""#,
            "invalid type: string \"list\", expected an object",
        ),
        (
            r#"{"list": [{"text": true}]}"#,
            "list[0].text: invalid type: boolean `true`, expected a string",
        ),
        (
            r#"{"list": 1.0}"#,
            "list: invalid type: floating point `1.0`, expected a sequence",
        ),
    ] {
        assert_eq!(read::<Outer>(text).unwrap_err().to_string(), line);
    }
}

#[test]
fn a_hidden_part_reads_as_absent_and_items_keep_their_places() {
    let text = br#"{"list": [{"text": 1}, {"text": "a", "more": 1}, {"text": "b", "text": "c"}]}"#;
    let mut tree = Json::parse(text).unwrap();
    let mut lines = Vec::new();
    let outer = loop {
        match Outer::deserialize(&tree) {
            Ok(outer) => break outer,
            Err(fault) => {
                lines.push(fault.path().to_string());
                let path = fault.path().clone();
                // `text` is required, so a hidden one makes its object faulty, too.
                let hidden = tree.hide(&path);
                assert!(hidden, "{fault}");
            }
        }
    };
    assert_eq!(
        lines,
        ["list[0].text", "list[0]", "list[1].more", "list[2].text"]
    );
    let texts: Vec<_> = outer
        .list
        .into_iter()
        .map(|inner| inner.map(|inner| inner.text))
        .collect();
    assert_eq!(texts, [None, Some("a".into()), Some("b".to_owned())]);
    assert!(!Json::parse(b"{}").unwrap().hide(&Path::default()));
}

#[test]
fn texts_with_and_without_escapes_are_read() {
    let outer: Outer =
        read(r#"{"\u006cist": [{"text": "a"}, {"text": "\u00e9\n\ud83d\ude00"}]}"#).unwrap();
    let texts: Vec<_> = outer
        .list
        .into_iter()
        .flatten()
        .map(|inner| inner.text)
        .collect();
    assert_eq!(texts, ["a", "é\n😀"]);
    assert!(
        Json::parse(br#""\ud800""#).is_err(),
        "half of a surrogate pair is not a character"
    );
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e300..1e300).prop_map(Value::from),
        "\\PC*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("\\PC{0,3}", inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_tree_reads_like_the_document_itself(value in value()) {
        let text = value.to_string();
        let through_tree = Value::deserialize(&Json::parse(text.as_bytes()).unwrap());
        prop_assert_eq!(through_tree.unwrap(), serde_json::from_str::<Value>(&text).unwrap());
    }

    #[test]
    fn the_bytes_that_serde_json_accepts_are_accepted(bytes in prop::collection::vec(prop::sample::select(&b"{}[]\",:1e-.\\u0 tn\xff"[..]), 0..40)) {
        prop_assert_eq!(Json::parse(&bytes).is_ok(), serde_json::from_slice::<Value>(&bytes).is_ok());
    }
}
