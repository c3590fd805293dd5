use super::*;
use proptest::prelude::*;
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::nfa::thompson::{NFA, WhichCaptures};
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind, Look, Repetition};

mod limits;

fn matches(pattern: &str, value: &[u8]) -> bool {
    Regex::new(pattern)
        .unwrap_or_else(|fault| panic!("{pattern}: {fault}"))
        .matches(value)
}

#[test]
fn the_whole_value_must_match() {
    for (pattern, value, expected) in [
        ("/a|/ab", "/ab", true),
        ("/a|/ab", "/a", true),
        ("/a|/ab", "/abc", false),
        ("b", "abc", false),
        (".*b.*", "abc", true),
        ("^/a$", "/a", true),
        ("a*?", "aaa", true),
        ("(?i)/COLOR", "/color", true),
        ("(?P<v>v[0-9]+)/(?<rest>.*)", "v12/x", true),
        ("(a)(?:b)((c))", "abc", true),
        (r"\Qa.b*\E+", "a.b***", true),
        (r"\Qa.b", "a.b", true),
        (r"\Qa.b", "axb", false),
        (r"x\Q(a\z", r"x(a\z", true),
        (r"\Qab\E{2}", "abb", true),
        (r"a\z", "a", true),
        (r"\bfoo\b.*", "foo bar", true),
        (r"\bfoo\b.*", "foobar", false),
        (r"foo\b.*", "foobar", false),
        (r"foo\B.*", "foobar", true),
        (r"foo\B", "foo", false),
        (r"\B", "", true),
        (r"\b", "", false),
        (r"/\b", "/", false),
        (r"/\B", "/", true),
        (r"(?i:A)b", "ab", true),
        (r"(?i:A)b", "aB", false),
        ("a(?i)b|c", "aB", true),
        ("a(?i)b|c", "C", true),
        ("(a(?i)b)c", "aBC", false),
        ("()|a", "", true),
        ("a||b", "", true),
        ("x{2}", "xx", true),
        ("x{2,}", "xxxx", true),
        ("x{2,3}", "xxxx", false),
    ] {
        assert_eq!(
            matches(pattern, value.as_bytes()),
            expected,
            "{pattern} on {value}"
        );
    }
}

#[test]
fn a_value_is_bytes_in_latin_1() {
    for (pattern, value, expected) in [
        (".", &b"\xff"[..], true),
        ("é", "é".as_bytes(), true),
        ("..", "é".as_bytes(), true),
        ("é+", b"\xc3\xa9\xa9", true),
        ("é+", "éé".as_bytes(), false),
        ("[é]", b"\xa9", true),
        (r"\xff", b"\xff", true),
        (r"\_", b"_", true),
        (r"\x{e9}", b"\xe9", true),
        (r"(?i)\xe9", b"\xc9", false),
        (r"(?i)[\xe0-\xe9]", b"\xc9", false),
        (r"(?i)[^\xe9]", b"\xc9", true),
        (r"\C\C", "é".as_bytes(), true),
        (r"\C", b"\n", true),
        (r"\w", b"\xe9", false),
        (r"\W", b"\xe9", true),
        (".", b"\n", false),
        ("(?s).", b"\n", true),
        ("[^a]", b"\n", true),
    ] {
        assert_eq!(matches(pattern, value), expected, "{pattern} on {value:x?}");
    }
}

#[test]
fn constructs_that_rust_engines_read_differently_are_read_as_in_re2() {
    for (pattern, value, expected) in [
        (r"\s", "\u{b}", false),
        (r"[\s]", "\u{b}", false),
        ("[[:space:]]", "\u{b}", true),
        ("[a&&b]", "&", true),
        ("[a&&b]", "a", true),
        ("[a~~b]", "~", true),
        ("[a[b]", "[", true),
        ("[[a]", "[", true),
        ("[[:a]", ":", true),
        ("[]a]", "]", true),
        ("[^]a]", "]", false),
        ("[a-]", "-", true),
        ("[-a]", "-", true),
        ("[a-c-e]", "-", true),
        ("[a-c-e]", "c", true),
        ("[[:digit:]][[:alpha:]]", "1a", true),
        ("[[:a][b]", ":b", true),
        ("[a-c-e]", "d", false),
        (r"\<", "<", true),
        (r"\>", ">", true),
        ("a{,5}", "a{,5}", true),
        ("a{,5}", "aaa", false),
        ("a{", "a{", true),
        ("a{x}", "a{x}", true),
        ("a{01}", "a{01}", true),
        ("{", "{", true),
        ("a}", "a}", true),
        ("a]", "a]", true),
        (r"(?i)[^a]", "A", false),
        (r"(?i)[[:upper:]]", "a", true),
        (r"(?i)[[:^upper:]]", "a", false),
        (r"(?U)a+", "aa", true),
        ("^*a", "a", true),
    ] {
        assert_eq!(
            matches(pattern, value.as_bytes()),
            expected,
            "{pattern} on {value}"
        );
    }
}

/// `regex-syntax` has the same classes over bytes, except for `\s`, which a test above covers.
#[test]
fn the_members_of_named_classes_are_those_of_an_independent_library() {
    const NAMES: &str =
        "alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit";
    let posix = NAMES
        .split(' ')
        .flat_map(|name| [format!("[[:{name}:]]"), format!("[[:^{name}:]]")]);
    let mut parser = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build();
    for class in posix.chain([r"\d", r"\D", r"\w", r"\W", r"[^\d\W]"].map(str::to_owned)) {
        let hir = parser.parse(&class).unwrap();
        let HirKind::Class(Class::Bytes(known)) = hir.kind() else {
            panic!("{class}: {hir:?}")
        };
        let regex = Regex::new(&class).unwrap();
        for byte in 0..=u8::MAX {
            let is_known = known
                .iter()
                .any(|range| (range.start()..=range.end()).contains(&byte));
            assert_eq!(regex.matches(&[byte]), is_known, "{class} on {byte:x}");
        }
    }
}

#[test]
fn patterns_that_re2_or_the_engine_does_not_support_are_refused_with_a_reason() {
    for pattern in [
        "*",
        "+a",
        "?",
        "a**",
        "a*+",
        "a{2}{3}",
        "a{2}*",
        "(",
        ")",
        "(a",
        "a)",
        "[",
        "[a",
        "[]",
        "[z-a]",
        "[a--]",
        r"\",
        "a|*",
        "(*)",
        "(?i)*",
        "a(?i)*",
        "(?=a)",
        "(?!a)",
        "(?<=a)",
        "(?<!a)",
        "(?x)a",
        "(?u)a",
        "(?R)a",
        "(?)",
        "(?-)",
        "(?i-)a",
        "(?P=n)",
        "(?P<n>a)(?P<n>b)",
        "(?P<a.b>c)",
        "(?P<>a)",
        "(?#c)",
        r"\1",
        r"\07",
        r"\pN",
        r"\p{Greek}",
        r"\x{100}",
        r"\x4",
        r"\xg0",
        r"\x{}",
        r"\x{+1}",
        r"\u0041",
        r"\Z",
        r"\é",
        r"\y",
        r"[\b]",
        r"[\Qa\E]",
        r"\E",
        "[[:nope:]]",
        "a{1001}",
        "a{1000,1001}",
        "(a{100}){11}",
        "((a{10}){10}){11}",
        "((){1000}){2}",
        "((a{0}){1000}){2}",
        "a{2,1}",
        "a{99999999999}",
        "[[:alpha:]-z--a]",
    ] {
        let line = match Regex::new(pattern) {
            Ok(_) => panic!("{pattern} is accepted"),
            Err(fault) => fault.to_string(),
        };
        assert!(!line.is_empty() && !line.contains('\n'), "{line}");
    }
}

/// Converts the pattern for the library whose engine is the oracle.
fn hir(ast: &ast::Ast) -> Hir {
    let all = |parts: &[ast::Ast]| parts.iter().map(hir).collect();
    match ast {
        ast::Ast::Byte(byte) => Hir::literal([*byte]),
        ast::Ast::Set(set) => {
            let ranges = (0..=u8::MAX)
                .filter(|byte| set.has(*byte))
                .map(|byte| ClassBytesRange::new(byte, byte));
            Hir::class(Class::Bytes(ClassBytes::new(ranges)))
        }
        ast::Ast::Look(look) => Hir::look(match look {
            ast::Look::Start => Look::Start,
            ast::Look::End => Look::End,
            ast::Look::LineStart => Look::StartLF,
            ast::Look::LineEnd => Look::EndLF,
            ast::Look::WordBoundary => Look::WordAscii,
            ast::Look::NoWordBoundary => Look::WordAsciiNegate,
        }),
        ast::Ast::Concat(parts) => Hir::concat(all(parts)),
        ast::Ast::Alternatives(branches) => Hir::alternation(all(branches)),
        ast::Ast::Repeat { min, max, of } => Hir::repetition(Repetition {
            min: *min,
            max: *max,
            greedy: true,
            sub: Box::new(hir(of)),
        }),
    }
}

fn oracle(pattern: &str) -> PikeVM {
    let whole = Hir::concat(vec![
        Hir::look(Look::Start),
        hir(&parser::parse(pattern.as_bytes()).unwrap()),
        Hir::look(Look::End),
    ]);
    let config = NFA::config()
        .utf8(false)
        .which_captures(WhichCaptures::None);
    PikeVM::new_from_nfa(
        NFA::compiler()
            .configure(config)
            .build_from_hir(&whole)
            .unwrap(),
    )
    .unwrap()
}

/// Well-formed patterns over a small alphabet, so that random values match them.
fn pattern() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(
        &[
            "a",
            "b",
            "/",
            ".",
            "[ab]",
            "[^a]",
            "\\w",
            "\\W",
            "\\s",
            "\\b",
            "\\B",
            "^",
            "$",
            "\\xff",
            "é",
            "(?s).",
            "(?m)^",
            "(?m)$",
            "[[:alpha:]]",
            "",
        ][..],
    );
    leaf.prop_map(str::to_owned)
        .prop_recursive(4, 24, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(|parts| parts.concat()),
                prop::collection::vec(inner.clone(), 1..4)
                    .prop_map(|branches| format!("(?:{})", branches.join("|"))),
                (
                    inner.clone(),
                    prop::sample::select(&["*", "+", "?", "*?", "{2}", "{0,2}", "{1,}", "{0}"][..])
                )
                    .prop_map(|(part, repeat)| format!("({part}){repeat}")),
                inner.prop_map(|part| format!("(?i:{part})")),
            ]
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn the_engine_agrees_with_an_independent_one(
        pattern in pattern(),
        values in prop::collection::vec(prop::collection::vec(prop::sample::select(&b"aAb/ \n_\xff\xc3\xa9"[..]), 0..8), 1..30),
    ) {
        let (regex, oracle) = (Regex::new(&pattern).unwrap(), oracle(&pattern));
        let mut cache = oracle.create_cache();
        for value in values {
            let input = Input::new(&value).anchored(Anchored::Yes);
            prop_assert_eq!(regex.matches(&value), oracle.is_match(&mut cache, input), "{} on {:x?}", pattern, value);
            prop_assert!(!regex.matches(&value) || value.starts_with(regex.prefix()));
        }
    }
}

proptest! {
    #[test]
    fn any_pattern_is_compiled_or_refused_without_a_crash(pattern in "(?s)([-a-z(){}\\[\\]\\\\*+?|^$.,:0-9&~<>=!é]|\\PC){0,30}", value in prop::collection::vec(0_u8.., 0..40)) {
        if let Ok(regex) = Regex::new(&pattern) {
            regex.matches(&value);
        }
    }
}
