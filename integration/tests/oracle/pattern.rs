//! Random regular expressions, and values that they match or nearly match.

use fastrand::Rng;

/// A pattern, and values that it should match if it means what it seems to mean.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    pub(crate) text: String,
    pub(crate) samples: Vec<Vec<u8>>,
}

enum Piece {
    /// The text of the piece, and texts that it may match.
    Atom(&'static str, &'static [&'static [u8]]),
    Concat(Vec<Piece>),
    Alternatives(Vec<Piece>),
    Repeat(Box<Piece>, &'static str, u8),
    Group(&'static str, Box<Piece>),
}

type Atom = (&'static str, &'static [&'static [u8]]);

const LITERALS: &[Atom] = &[
    ("a", &[b"a", b"A"]),
    ("a", &[b"a"]),
    ("b", &[b"b"]),
    ("K", &[b"K", b"k"]),
    ("/", &[b"/"]),
    (r"\.", &[b"."]),
    (r"\/", &[b"/"]),
    (r"\-", &[b"-"]),
    (r"\$", &[b"$"]),
    (r"\<", &[b"<"]),
    (r"\\", &[b"\\"]),
    ("é", &["é".as_bytes(), "É".as_bytes()]),
    ("ſ", &["ſ".as_bytes(), b"s"]),
    (r"\x41", &[b"A", b"a"]),
    (r"\x{e9}", &[b"\xe9", b"\xc9"]),
    (r"\xb5", &[b"\xb5"]),
    (r"\xff", &[b"\xff", b"\xdf"]),
    (r"\xd7", &[b"\xd7", b"\xf7"]),
    (r"\n", &[b"\n"]),
    (r"\t", &[b"\t"]),
    (r"\v", &[b"\x0b"]),
    (r"\f\a", &[b"\x0c\x07"]),
    ("{", &[b"{"]),
    ("}", &[b"}"]),
    ("]", &[b"]"]),
    ("a{,2}", &[b"a{,2}", b"aa"]),
    ("a{01}", &[b"a{01}", b"a"]),
    ("{2", &[b"{2"]),
    (r"\Qa.b\E", &[b"a.b", b"axb"]),
    (r"\Q\n*\E", &[b"\\n*"]),
    (r"\Q[", &[b"["]),
    ("-", &[b"-"]),
    (",", &[b","]),
    (" ", &[b" "]),
    ("#", &[b"#"]),
    ("&&", &[b"&&"]),
];

const CLASSES: &[Atom] = &[
    (".", &[b"x", b"\xff", b"\n", b"\xc3\xa9"]),
    (r"\C", &[b"\n", b"\xe9"]),
    (r"\d", &[b"7", b"\xb2"]),
    (r"\D", &[b"x", b"7"]),
    (r"\w", &[b"_", b"Z", b"\xe9", b"-"]),
    (r"\W", &[b"-", b"\xe9", b"a"]),
    (r"\s", &[b" ", b"\t", b"\x0b", b"\x0c", b"\xa0", b"\x85"]),
    (r"\S", &[b"a", b"\x0b", b"\xa0"]),
    ("[ab]", &[b"a", b"b", b"B"]),
    ("[^a]", &[b"b", b"A", b"\n", b"a"]),
    ("[a-c]", &[b"b", b"C", b"d"]),
    ("[]a]", &[b"]", b"a"]),
    ("[^]a]", &[b"b", b"]"]),
    ("[a-]", &[b"a", b"-"]),
    ("[-a]", &[b"-"]),
    ("[a-c-e]", &[b"-", b"d", b"e"]),
    ("[a&&b]", &[b"&", b"a"]),
    ("[a~~b--c]", &[b"~", b"-"]),
    ("[[a]", &[b"[", b"a"]),
    ("[[:a]", &[b":", b"["]),
    ("[é]", &[b"\xc3", b"\xa9", "é".as_bytes()]),
    ("[à-é]", &[b"\xa0", b"\xa3", b"\xc3"]),
    (r"[\x80-\xff]", &[b"\x80", b"\xff", b"\x7f"]),
    (r"[^\x00-\x7f]", &[b"\xff", b"a"]),
    (r"[\x{41}-\x{5a}]", &[b"Q", b"q"]),
    (r"[\d\-x]", &[b"5", b"-", b"x"]),
    (r"[\s\S]", &[b"\n", b"\xff"]),
    (r"[^\w]", &[b"-", b"_", b"\xe9"]),
    (r"[^\W\d]", &[b"a", b"1"]),
    (r"[\]]", &[b"]"]),
    (r"[\t-\r]", &[b"\x0b", b"\n"]),
    ("[A-_]", &[b"Z", b"_", b"a", b"]"]),
    ("[A-z]", &[b"k", b"_", b"@", b"{"]),
    ("[--a]", &[b"-", b"Z", b"a", b","]),
    ("[!--]", &[b"-", b"+", b"a"]),
    ("[@-`]", &[b"A", b"a", b"`"]),
    ("[^^]", &[b"a", b"^"]),
    ("[+*?{}()|.$]", &[b"$", b"|"]),
    ("[[:alpha:]]", &[b"a", b"Z", b"\xe9"]),
    ("[[:^alpha:]]", &[b"1", b"a"]),
    ("[^[:^alpha:]]", &[b"a", b"1"]),
    ("[[:upper:]]", &[b"A", b"a", b"\xc9"]),
    ("[[:^lower:]]", &[b"A", b"a"]),
    ("[[:word:][:space:]]", &[b"_", b"\x0b"]),
    ("[[:punct:]]", &[b"!", b"~", b"a"]),
    ("[[:blank:]x]", &[b"\t", b"x"]),
    ("[[:cntrl:]]", &[b"\x7f", b"\x01", b"\x80"]),
    ("[[:print:]]", &[b" ", b"~", b"\xe9"]),
    ("[[:graph:]]", &[b"!", b" "]),
    ("[[:xdigit:]]", &[b"f", b"G"]),
    ("[[:ascii:]]", &[b"\x7f", b"\x80"]),
    ("[[:alnum:]-]", &[b"-", b"9"]),
    ("[[:word:]-a]", &[b"-", b"a", b"."]),
    ("[[:digit:]-z]", &[b"-", b"z", b"9"]),
];

const LOOKS: &[Atom] = &[
    ("", &[b""]),
    ("^", &[b"", b"\n"]),
    ("$", &[b"", b"\n"]),
    (r"\A", &[b""]),
    (r"\z", &[b""]),
    (r"\b", &[b"", b" ", b"-"]),
    (r"\B", &[b""]),
    ("(?i)", &[b""]),
    ("(?s)", &[b""]),
    ("(?m)", &[b""]),
    ("(?U)", &[b""]),
    ("(?-i)", &[b""]),
    ("(?is-m)", &[b""]),
    ("()", &[b""]),
    ("(?:)", &[b""]),
];

/// Syntax that RE2 lacks, and characters of several bytes: mostly refused.
const FOREIGN: &[Atom] = &[
    (r"\pN", &[b"7"]),
    (r"\p{Greek}", &[b"a"]),
    (r"\P{L}", &[b"7"]),
    (r"\x{100}", &[b"a"]),
    (r"\1", &[b"a"]),
    (r"\07", &[b"\x07"]),
    (r"\Z", &[b""]),
    (r"\h", &[b" "]),
    (r"\X", &[b"a"]),
    ("(?=a)", &[b"a"]),
    ("(?<!a)", &[b""]),
    ("(?>a)", &[b"a"]),
    ("(?#a)", &[b""]),
    ("(?x)", &[b""]),
    ("[[.a.]]", &[b"a"]),
    ("[[=a=]]", &[b"a"]),
    (r"[\b]", &[b"\x08"]),
    (r"[a-\d]", &[b"a"]),
    ("[z-a]", &[b"a"]),
    ("a++", &[b"a"]),
    ("a{1001}", &[b"a"]),
    ("(a{60}){20}", &[b"a"]),
];

/// A repetition, with the largest number of times that a sample contains the piece.
const REPEATS: &[(&str, u8)] = &[
    ("*", 3),
    ("+", 3),
    ("?", 1),
    ("*?", 2),
    ("+?", 2),
    ("??", 1),
    ("{2}", 2),
    ("{0}", 0),
    ("{0,2}", 2),
    ("{1,}", 3),
    ("{2,3}", 3),
    ("{2}?", 2),
    ("{,3}", 1),
];

const GROUPS: &[&str] = &[
    "(", "(", "(?:", "(?:", "(?P<n>", "(?<m>", "(?i:", "(?s:", "(?m:", "(?-i:", "(?ims:", "(?U:",
    "(?i-s:",
];

/// Significant bytes, for changes of a value or a pattern.
const EDGES: &[u8] =
    b"aAbBkKsS/ .,:-_0129{}[]()*+?|^$\\<>&~=!\n\t\x0b\x7f\x80\xa0\xb5\xc3\xa9\xe9\xc9\xff";

pub(crate) fn pattern(rng: &mut Rng) -> Pattern {
    let piece = piece(rng, 3);
    let mut text = String::new();
    piece.write(&mut text);
    if rng.u8(..8) == 0 {
        text = edited_text(&text, rng);
    }
    let mut samples = Vec::new();
    for _ in 0..6 {
        let mut sample = Vec::new();
        piece.sample(rng, &mut sample);
        sample.truncate(400);
        samples.push(sample);
    }
    Pattern { text, samples }
}

fn piece(rng: &mut Rng, depth: u8) -> Piece {
    let atom = |(text, samples): Atom| Piece::Atom(text, samples);
    let choice = if depth == 0 {
        rng.u8(..55)
    } else {
        rng.u8(..100)
    };
    match choice {
        0..25 => atom(LITERALS[rng.usize(..LITERALS.len())]),
        25..44 => atom(CLASSES[rng.usize(..CLASSES.len())]),
        44..54 => atom(LOOKS[rng.usize(..LOOKS.len())]),
        54 => atom(FOREIGN[rng.usize(..FOREIGN.len())]),
        55..75 => Piece::Concat((0..rng.u8(1..5)).map(|_| piece(rng, depth - 1)).collect()),
        75..83 => Piece::Alternatives((0..rng.u8(2..4)).map(|_| piece(rng, depth - 1)).collect()),
        83..93 => {
            let (operator, most) = REPEATS[rng.usize(..REPEATS.len())];
            Piece::Repeat(Box::new(piece(rng, depth - 1)), operator, most)
        }
        _ => Piece::Group(
            GROUPS[rng.usize(..GROUPS.len())],
            Box::new(piece(rng, depth - 1)),
        ),
    }
}

impl Piece {
    fn write(&self, text: &mut String) {
        match self {
            Self::Atom(atom, _) => text.push_str(atom),
            Self::Concat(pieces) => pieces.iter().for_each(|piece| piece.write(text)),
            // Without a group around it, a `|` covers more than intended, but the pattern is still useful.
            Self::Alternatives(pieces) => {
                for (number, piece) in pieces.iter().enumerate() {
                    text.push_str(if number == 0 { "" } else { "|" });
                    piece.write(text);
                }
            }
            Self::Repeat(piece, operator, _) => {
                let is_one = matches!(**piece, Self::Atom(..) | Self::Group(..));
                text.push_str(if is_one { "" } else { "(?:" });
                piece.write(text);
                text.push_str(if is_one { "" } else { ")" });
                text.push_str(operator);
            }
            Self::Group(open, piece) => {
                text.push_str(open);
                piece.write(text);
                text.push(')');
            }
        }
    }

    fn sample(&self, rng: &mut Rng, value: &mut Vec<u8>) {
        match self {
            Self::Atom(_, samples) => value.extend_from_slice(samples[rng.usize(..samples.len())]),
            Self::Concat(pieces) => pieces.iter().for_each(|piece| piece.sample(rng, value)),
            Self::Alternatives(pieces) => pieces[rng.usize(..pieces.len())].sample(rng, value),
            Self::Repeat(piece, _, most) => {
                (0..rng.u8(..=*most)).for_each(|_| piece.sample(rng, value))
            }
            Self::Group(_, piece) => piece.sample(rng, value),
        }
    }
}

/// The value with a small change.
pub(crate) fn edited(value: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut value = value.to_vec();
    let at = rng.usize(..=value.len());
    let byte = EDGES[rng.usize(..EDGES.len())];
    match (rng.u8(..6), at < value.len()) {
        (0, true) => drop(value.remove(at)),
        (1, true) => value[at] = byte,
        (2, true) => value[at] ^= 0x20,
        (3, _) => value.truncate(at),
        (4, _) => value.extend_from_within(at..),
        _ => value.insert(at, byte),
    }
    value
}

fn edited_text(text: &str, rng: &mut Rng) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let at = rng.usize(..=chars.len());
    let edge = char::from(EDGES[rng.usize(..EDGES.len())]);
    match (rng.u8(..3), at < chars.len()) {
        (0, true) => drop(chars.remove(at)),
        (1, true) => chars[at] = edge,
        _ => chars.insert(at, edge),
    }
    chars.into_iter().collect()
}
