//! Reads the YAML documents of a file although the syntax of some of them is wrong.

use std::ops::Range;

use crate::document::tree::{Node, Parsed, parse_all};
use crate::fault::Fault;

/// The most documents with a wrong syntax that are reported.
const MOST: usize = 20;

/// The documents that can be read, and what is wrong with the others. Positions are those of the text.
pub(crate) fn documents(text: &str) -> (Vec<Node>, Vec<Fault>) {
    let mut faults = Vec::new();
    let mut readable = None::<String>;
    loop {
        let fault = match parse_all(readable.as_deref().unwrap_or(text)) {
            Ok(Parsed {
                documents,
                faults: duplicates,
            }) => {
                faults.extend(duplicates);
                faults.sort_by_key(Fault::place);
                return (documents, faults);
            }
            Err(fault) => fault,
        };
        let around = fault.line().and_then(|line| document_around(text, line));
        faults.push(fault);
        let blank = around.filter(|_| faults.len() < MOST);
        let remaining = blank.and_then(|around| {
            let before = readable.as_deref().unwrap_or(text);
            blanked(before, around).filter(|after| after != before)
        });
        match remaining {
            Some(remaining) => readable = Some(remaining),
            None => return (Vec::new(), faults),
        }
    }
}

/// The bytes of the document that has this line, with the `---` before it. `None` if the file has no others.
fn document_around(text: &str, line: usize) -> Option<Range<usize>> {
    let (mut start, mut at) = (0, 0);
    for (number, content) in (1..).zip(text.split_inclusive('\n')) {
        if is_separator(content) {
            if number > line {
                return Some(start..at);
            }
            start = at;
        }
        at += content.len();
    }
    (start > 0).then_some(start..text.len())
}

fn is_separator(line: &str) -> bool {
    line.strip_prefix("---")
        .is_some_and(|rest| rest.trim_start().is_empty() || rest.starts_with([' ', '\t']))
}

/// The text with spaces in place of these bytes, so that all others stay where they are. The first line is left, if it
/// separates documents.
fn blanked(text: &str, range: Range<usize>) -> Option<String> {
    let document = text.get(range.clone())?;
    let blank = |byte: u8| if byte == b'\n' { '\n' } else { ' ' };
    let separator = if is_separator(document.lines().next()?) {
        "---"
    } else {
        ""
    };
    let rest = document.get(separator.len()..)?;
    let blank: String = rest.bytes().map(blank).collect();
    Some(
        [
            text.get(..range.start)?,
            separator,
            &blank,
            text.get(range.end..)?,
        ]
        .concat(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (usize, Vec<String>) {
        let (documents, faults) = documents(text);
        let known = documents
            .iter()
            .filter(|document| document.get("a").is_some());
        let lines = faults.iter().map(|fault| fault.position_in("f")).collect();
        (known.count(), lines)
    }

    #[test]
    fn a_document_that_cannot_be_read_does_not_hide_the_others() {
        for (text, readable, places) in [
            ("a: 1\n---\na: [\n---\na: 1\n", 2, &["f:3:4"][..]),
            ("a: ä: b\n---\na: 1\n", 1, &["f:1:5"]),
            ("a: 1\n---\na: }\n--- # c\na: ]\n", 1, &["f:3:4", "f:5:4"]),
            ("a: 1\na: 2\n---\na: 1\na: 1\n", 2, &["f:2:1", "f:5:1"]),
            ("a: [\n", 0, &["f:1:4"]),
            ("a: |\n ---\n b\n", 1, &[]),
        ] {
            let (known, found) = read(text);
            assert_eq!(
                (known, found.as_slice()),
                (
                    readable,
                    places
                        .iter()
                        .map(|it| (*it).to_owned())
                        .collect::<Vec<_>>()
                        .as_slice()
                ),
                "{text}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_comes_to_an_end(text in "(---\\n|a: \\[|\\n|a: 1|\\{|'|\\PC){0,40}") {
            documents(&text);
        }
    }
}
