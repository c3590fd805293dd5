//! Random rules from a small vocabulary, so that rules overlap and requests hit them.

use fastrand::Rng;

const TEXTS: &[&str] = &[
    "/", "/a", "/ab", "/a/b", "/A", "/color", "a", "b", "green", "é", "a,b",
];
const PATTERNS: &[&str] = &[
    "/a.*",
    "a|b",
    "(?i)/COLOR.*",
    ".*",
    "[^a]+",
    r"\x{e9}|(a|b)*",
    "^/a$",
    "(a*)*b",
];
const HEADERS: &[&str] = &["x-a", "x-b", "cookie", ":authority", ":method"];
const PARAMS: &[&str] = &["q", "r", "é"];
const KEYS: &[&str] = &[
    r#"{"httpHeaderName": "x-user"}"#,
    r#"{"httpCookie": {"name": "id"}}"#,
    r#"{"httpQueryParameterName": "user"}"#,
    r#"{"httpCookie": {"name": "new", "ttl": "1h"}}"#,
    r#"{"useSourceIp": true}"#,
];

/// The entries of `http`. The same seed gives the same entries.
pub(crate) fn random(seed: u64) -> Vec<String> {
    let mut rng = Rng::with_seed(seed);
    (0..rng.usize(1..24))
        .map(|index| rule(index, &mut rng))
        .collect()
}

fn rule(index: usize, rng: &mut Rng) -> String {
    let matches: Vec<_> = (0..rng.usize(1..3)).map(|_| entry(rng)).collect();
    // Every request has the last two keys, so a rule may have at most one of them: the second would never be reached.
    let mut keys: Vec<_> = KEYS
        .iter()
        .take(3)
        .filter(|_| rng.u8(..4) == 0)
        .copied()
        .collect();
    keys.extend(KEYS.get(rng.usize(3..9)));
    let keys = if keys.is_empty() {
        String::new()
    } else {
        format!(r#""consistentHash": [{}],"#, keys.join(","))
    };
    let weights = [[75, 25], [0, 1], [1, 0], [1, i32::MAX]][rng.usize(..4)];
    format!(
        r#"{{"name": "r{index}", "match": [{}], {keys} "route": [{{"cluster": "blue", "weight": {}}}, {{"cluster": "green", "weight": {}}}]}}"#,
        matches.join(","),
        weights[0],
        weights[1]
    )
}

fn entry(rng: &mut Rng) -> String {
    let mut fields = Vec::new();
    if rng.u8(..4) != 0 {
        fields.push(format!(r#""uri": {}"#, text(rng)));
        fields.push(format!(r#""ignoreUriCase": {}"#, rng.bool()));
    }
    for (field, names) in [
        ("headers", HEADERS),
        ("withoutHeaders", HEADERS),
        ("queryParams", PARAMS),
    ] {
        if rng.u8(..4) == 0 {
            let name = names[rng.usize(..names.len())];
            let value = if rng.u8(..4) == 0 {
                "{}".to_owned()
            } else {
                text(rng)
            };
            fields.push(format!(r#""{field}": {{"{name}": {value}}}"#));
        }
    }
    if fields.is_empty() {
        fields.push(r#""method": {"exact": "GET"}"#.to_owned());
    }
    format!("{{{}}}", fields.join(","))
}

fn text(rng: &mut Rng) -> String {
    let kind = ["exact", "prefix", "regex"][rng.usize(..3)];
    let texts = if kind == "regex" { PATTERNS } else { TEXTS };
    let value = texts[rng.usize(..texts.len())].replace('\\', r"\\");
    format!(r#"{{"{kind}": "{value}"}}"#)
}
