//! The commands in docs/cli.md and docs/gitops.md print what is shown. Those of docs/gitops.md run in the sample repository,
//! with a cluster that it is deployed to.
//!
//! The conventions: `<!-- file: NAME -->` before a block makes it a file. A block of the kind `console` has commands after
//! `$ `, each followed by everything that it prints. `CANARY_DOCS=write` puts what they print into the page.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use support::Folder;
use support::gitops::{cluster, isolated, repository};

/// Where the commands of a page run.
struct Place<'p> {
    folder: &'p Path,
    /// A folder of programs that stand in for others.
    programs: Option<&'p Path>,
}

/// Runs a line of a shell and returns everything that it prints.
fn printed(place: &Place<'_>, line: &str) -> String {
    let binaries = Path::new(env!("CARGO_BIN_EXE_canary")).parent().unwrap();
    let path = env::var_os("PATH").unwrap_or_default();
    let paths = [place.programs, Some(binaries)].into_iter().flatten();
    let paths = paths.map(Path::to_owned).chain(env::split_paths(&path));
    let mut command = Command::new("sh");
    let output = isolated(&mut command)
        .args(["-c", &format!("{line} 2>&1")])
        .current_dir(place.folder)
        .env("PATH", env::join_paths(paths).unwrap())
        .output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

/// The page with what its commands print.
fn replayed(page: &str, place: &Place<'_>) -> String {
    let (mut replayed, mut file, mut block) = (String::new(), None, None::<(String, String)>);
    for line in page.lines() {
        let (info, is_fence) = match line.strip_prefix("```") {
            Some(info) => (info, true),
            None => ("", false),
        };
        block = match (block, is_fence) {
            (None, true) => Some((info.to_owned(), String::new())),
            (None, false) => {
                let name = line.strip_prefix("<!-- file: ");
                file = name.and_then(|name| name.strip_suffix(" -->")).or(file);
                None
            }
            (Some((_, text)), true) => {
                if let Some(name) = file.take() {
                    fs::write(place.folder.join(name), text).unwrap();
                }
                None
            }
            (Some((info, text)), false) if info == "console" => match line.strip_prefix("$ ") {
                Some(command) => {
                    replayed.push_str(&format!("{line}\n{}", printed(place, command)));
                    Some((info, text))
                }
                None => Some((info, text)),
            },
            (Some((info, text)), false) => Some((info, format!("{text}{line}\n"))),
        };
        let is_output = block.as_ref().is_some_and(|(info, _)| info == "console");
        if !is_output || is_fence {
            replayed.push_str(line);
            replayed.push('\n');
        }
    }
    replayed
}

fn check(name: &str, place: &Place<'_>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(name);
    let page = fs::read_to_string(&path).unwrap();
    let replayed = replayed(&page, place);
    if env::var_os("CANARY_DOCS").is_some_and(|what| what == "write") {
        fs::write(path, replayed).unwrap();
        return;
    }
    for (number, (shown, printed)) in (1..).zip(page.lines().zip(replayed.lines())) {
        assert_eq!(shown, printed, "docs/{name}:{number}");
    }
    assert_eq!(page, replayed);
}

#[test]
fn every_command_prints_what_the_page_shows() {
    let folder = Folder::new();
    let place = Place {
        folder: folder.root(),
        programs: None,
    };
    check("cli.md", &place);
}

#[test]
fn every_command_prints_what_the_page_about_git_shows() {
    let (folder, cluster) = (Folder::new(), cluster(false));
    let place = Place {
        folder: &repository(&folder),
        programs: Some(cluster.root()),
    };
    check("gitops.md", &place);
}
