//! The file with twenty mistakes in docs/cli.md: `canary check` finds all of them in one run, each on its line.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use support::Folder;

/// The file as the page shows it. A comment numbers each line that has a mistake.
fn file() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md");
    let page = fs::read_to_string(path).unwrap();
    let (_, rest) = page
        .split_once("<!-- file: mistakes.yaml -->\n```yaml\n")
        .unwrap();
    rest.split_once("```\n").unwrap().0.to_owned()
}

#[test]
fn each_of_twenty_mistakes_is_found_on_its_line_in_one_run() {
    let file = file();
    let mut numbered = BTreeSet::new();
    let planted: BTreeSet<usize> = (1..)
        .zip(file.lines())
        .filter_map(|(line, text)| {
            let number: usize = text.split_once(" # ")?.1.parse().unwrap();
            numbered.insert(number);
            Some(line)
        })
        .collect();
    assert!(numbered.into_iter().eq(1..=20), "they are numbered");
    let said = Folder::with("f.yaml", &file).canary(["check", "f.yaml"]);
    let line = |found: &str| found.split(':').nth(1).unwrap().parse::<usize>().unwrap();
    let found: BTreeSet<_> = said.stderr.lines().map(line).collect();
    assert_eq!((said.status, found), (1, planted));
    assert_eq!(said.stderr.lines().count(), 20, "each is reported once");
    let reason = |line: &str| {
        let words = line.split_once(": ").unwrap().1;
        let words = words.rsplit(": ").next().unwrap();
        words
            .chars()
            .filter(|c| c.is_alphabetic())
            .collect::<String>()
    };
    let kinds: BTreeSet<_> = said.stderr.lines().map(reason).collect();
    assert_eq!(kinds.len(), 20, "no two are of one kind: {kinds:#?}");
}
