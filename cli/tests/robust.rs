//! Whatever a file or a terminal is like, the command says one clear line and has the right status.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs::{self, File};
use std::process::Stdio;

use support::{Folder, Said};

const GOOD: &str = "http: [{route: [{cluster: a}]}]\n";
const BAD: &str = "http: [{route: [{cluster: a, weight: -1}]}]\n";

#[test]
fn a_file_that_is_no_text_or_cannot_be_read_is_one_line() {
    let folder = Folder::with("binary", [0x7f, b'E', b'L', b'F', 0, 1, 0xff, 0xfe]);
    fs::write(folder.path("nul.yaml"), "http:\0 []\n").unwrap();
    fs::write(folder.path("empty.yaml"), "").unwrap();
    fs::write(folder.path("deep.yaml"), "[".repeat(100_000)).unwrap();
    fs::write(folder.path("deep.json"), "[".repeat(100_000)).unwrap();
    let large = File::create(folder.path("large.yaml")).unwrap();
    large.set_len(40 << 20).unwrap();
    fs::create_dir(folder.path("folder")).unwrap();
    std::os::unix::fs::symlink("loop", folder.path("loop")).unwrap();
    for (name, start) in [
        ("binary", "binary:1:7: is not valid UTF-8\n"),
        ("nul.yaml", "nul.yaml:1:"),
        (
            "empty.yaml",
            "empty.yaml: contains no configuration of the filter: ",
        ),
        ("deep.yaml", "deep.yaml:1:"),
        ("deep.json", "deep.json:1:"),
        ("large.yaml", "large.yaml: is larger than 32 MiB\n"),
        ("folder", "folder: Is a directory"),
        ("loop", "loop: Too many levels of symbolic links"),
        ("none", "none: No such file or directory"),
        ("/dev/zero", "/dev/zero: is larger than 32 MiB\n"),
    ] {
        for arguments in [
            ["check", name].as_slice(),
            &["check", "--with", name, "--", "empty.yaml"],
            &["weights", "--dry-run", name, "r", "a=1"],
        ] {
            let said = folder.canary(arguments);
            assert_eq!(
                (said.status, said.stdout.as_str()),
                (1, ""),
                "{arguments:?}"
            );
            let has_line = said
                .stderr
                .lines()
                .any(|line| format!("{line}\n").starts_with(start));
            let is_around = arguments.len() == 5;
            assert!(
                has_line || is_around && name == "empty.yaml",
                "{arguments:?}: {said:?}"
            );
            let most = if is_around { 2 } else { 1 };
            assert!(said.stderr.lines().count() <= most, "{said:?}");
            assert!(said.stderr.len() < 2_000, "{}", said.stderr.len());
        }
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_command_without_a_panic() {
    let many: String = (0..5_000)
        .map(|number| format!("- {{name: r{number}, route: [{{cluster: a}}], match: [{{uri: {{exact: /{number}}}}}]}}\n"))
        .collect();
    let folder = Folder::with("f.yaml", format!("http:\n{many}"));
    for format in ["text", "json"] {
        let mut child = folder
            .command()
            .args(["check", "f.yaml", "--output", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let said = Said::from(child.wait_with_output().unwrap());
        assert_eq!((said.status, said.stderr.as_str()), (1, ""), "{format}");
    }
    let mut child = Folder::with("f.yaml", BAD)
        .command()
        .args(["check", "f.yaml"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn colours_are_for_terminals_only_and_only_if_they_are_wanted() {
    let folder = Folder::with("f.yaml", BAD);
    let run = |variables: &[(&str, &str)]| {
        let mut command = folder.command();
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM"] {
            command.env_remove(name);
        }
        let output = command
            .args(["check", "f.yaml"])
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        Said::from(output).stderr
    };
    let plain = "f.yaml:1:30: http[0].route[0].weight: -1 is negative\n";
    assert_eq!(run(&[]), plain);
    assert_eq!(run(&[("NO_COLOR", "1")]), plain);
    let coloured =
        "\u{1b}[1m\u{1b}[31mf.yaml:1:30:\u{1b}[0m http[0].route[0].weight: -1 is negative\n";
    assert_eq!(run(&[("CLICOLOR_FORCE", "1")]), coloured);
}

#[test]
fn the_names_of_files_and_what_they_contain_do_not_break_the_line() {
    let name = "a\nb\u{1b}[31m.yaml";
    let folder = Folder::with(
        name,
        "http: [{route: [{cluster: a, \"x\\ny\\u001b\": -1}]}]\n",
    );
    let said = folder.canary(["check", name]);
    assert_eq!(said.stderr.lines().count(), 1, "{said:?}");
    assert!(!said.stderr.contains('\u{1b}'), "{said:?}");
    fs::write(folder.path(name), GOOD).unwrap();
    let said = folder.canary(["check", name]);
    assert_eq!(
        (said.status, said.stdout.lines().count()),
        (0, 1),
        "{said:?}"
    );
}
