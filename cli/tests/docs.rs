//! The documentation is true: the filter accepts the configurations that are shown and refuses the mistakes with the
//! messages that are shown; excerpts are in the files that they come from; links and `make` targets exist.
//!
//! The conventions for README.md and docs/*.md, by a fenced block's first line:
//! - `yaml` or `json` with a whole configuration (bare, a WasmPlugin or Envoy's): `canary check` accepts it without a
//!   warning but that of a prefix. docs/cli.md has files for its commands instead, which `commands_docs.rs` runs.
//! - `yaml refused`: `canary check` refuses it with the message in the `text` block that follows.
//! - `yaml PATH`: lines of that file, without its comments.
//! - A table after `<!-- refused: WHERE -->` has members of a configuration and the message that refuses them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "support/markdown.rs"]
mod markdown;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use markdown::Page;
use support::{Folder, Said};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn pages() -> Vec<Page> {
    let files = ["", "docs"]
        .into_iter()
        .flat_map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    assert!(paths.len() >= 5, "{paths:?}");
    paths.into_iter().map(Page::read).collect()
}

/// The ramps that are shown have not ended yet.
const BEFORE_RAMPS: &str = "--at=2026-11-30T09:00:00Z";

fn check(configuration: &str) -> Said {
    Folder::with("canary.yaml", configuration).canary(["check", BEFORE_RAMPS, "canary.yaml"])
}

/// Whether a block shows a whole configuration of the filter and not a part of one.
fn is_whole(text: &str) -> bool {
    let json = serde_json::from_str::<serde_json::Value>(text);
    json.is_ok_and(|value| value.get("http").is_some())
        || text.lines().any(|line| line.starts_with("http:"))
        || (text.contains("kind: WasmPlugin") && text.contains("pluginConfig:"))
        || (text.contains("filters.http.wasm.v3.Wasm") && text.contains("StringValue"))
}

/// The examples have the rule of the demo, whose prefix takes other paths as well, as prefixes do.
fn is_of_prefix(line: &str) -> bool {
    line.contains("warning: ") && line.contains("` also takes `")
}

#[test]
fn every_configuration_that_is_shown_is_accepted() {
    let mut checked = 0;
    for page in pages()
        .into_iter()
        .filter(|page| !page.path.ends_with("cli.md"))
    {
        for block in page
            .blocks()
            .filter(|block| matches!(block.info.as_str(), "yaml" | "json"))
        {
            if is_whole(&block.text) {
                let said = check(&block.text);
                let complaints = said.stderr.lines().filter(|line| !is_of_prefix(line));
                assert_eq!(
                    (said.status, complaints.collect::<Vec<_>>()),
                    (0, vec![]),
                    "{}",
                    page.at(block.line)
                );
                checked += 1;
            }
        }
    }
    assert!(checked >= 4, "{checked}");
}

#[test]
fn every_mistake_that_is_shown_is_refused_with_the_message_that_is_shown() {
    let mut checked = 0;
    for page in pages() {
        let blocks: Vec<_> = page.blocks().collect();
        for (at, block) in blocks
            .iter()
            .enumerate()
            .filter(|(_, block)| block.info == "yaml refused")
        {
            let words = blocks.get(at + 1).filter(|next| next.info == "text");
            let words = words.map(|next| next.text.clone());
            let said = check(&block.text);
            assert_eq!(
                (said.status, Some(said.stderr)),
                (1, words),
                "{}",
                page.at(block.line)
            );
            checked += 1;
        }
    }
    assert!(checked >= 1);
}

/// A configuration in one line with these members in one of its objects.
fn around(place: &str, members: &str) -> String {
    let route = "route: [{cluster: a}]";
    let rule = match place {
        "top" => return format!("{{http: [{{{route}}}], {members}}}\n"),
        "rule" => format!("{route}, {members}"),
        "match" => format!("match: [{{{members}}}], {route}"),
        "route" => format!("route: [{{cluster: a, weight: 75}}, {{{members}}}]"),
        "key" => format!(
            "name: color, consistentHash: [{{httpHeaderName: x-user}}, {{{members}}}], {route}"
        ),
        other => unreachable!("unknown place: {other}"),
    };
    format!("{{http: [{{{rule}}}]}}\n")
}

/// The status of a check, and the first fault as the filter logs it, without the hint of `canary check`.
fn first_fault(configuration: &str) -> (i32, String) {
    let folder = Folder::with("canary.yaml", configuration);
    let said = folder.canary(["check", "--output=json", "canary.yaml"]);
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let problem = &report["files"][0]["problems"][0];
    let text = |field: &str| problem[field].as_str().map(str::to_owned);
    let parts: Vec<_> = ["path", "reason"].into_iter().filter_map(text).collect();
    (said.status, parts.join(": "))
}

#[test]
fn every_message_in_the_tables_of_mistakes_is_the_real_one() {
    let (mut places, mut wrong) = (BTreeSet::new(), String::new());
    for page in pages() {
        for row in page.refused() {
            places.insert(row.place.clone());
            let (status, line) = first_fault(&around(&row.place, &row.members));
            if status != 1 || line != row.reason {
                wrong.push_str(&format!(
                    "{} `{}`: `{line}`\n",
                    page.at(row.line),
                    row.members
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "the messages are:\n{wrong}");
    assert_eq!(places.len(), 5, "{places:?}");
}

/// The lines without comments, and without the lines that are then empty.
fn meaning(text: &str) -> Vec<&str> {
    let code = text
        .lines()
        .map(|line| line.split(" #").next().unwrap_or_default().trim_end());
    code.filter(|line| !line.is_empty() && !line.trim_start().starts_with('#'))
        .collect()
}

/// Whether the lines are consecutive lines of the file, at any indentation.
fn holds(file: &[&str], lines: &[&str]) -> bool {
    file.windows(lines.len()).any(|window| {
        let indent = window[0].len() - window[0].trim_start().len();
        window.iter().zip(lines).all(|(one, other)| {
            one.get(..indent)
                .is_some_and(|start| start.trim().is_empty())
                && &one[indent..] == *other
        })
    })
}

#[test]
fn every_excerpt_is_in_its_file() {
    let mut checked = 0;
    for page in pages() {
        for block in page.blocks() {
            let Some(path) = block
                .info
                .strip_prefix("yaml ")
                .filter(|path| path.ends_with(".yaml"))
            else {
                continue;
            };
            let file = fs::read_to_string(root().join(path)).unwrap();
            let lines = meaning(&block.text);
            assert!(
                lines.len() > 1 && holds(&meaning(&file), &lines),
                "{}",
                page.at(block.line)
            );
            checked += 1;
        }
    }
    assert!(checked >= 3, "{checked}");
}

#[test]
fn every_relative_link_has_its_target() {
    let mut missing = Vec::new();
    for page in pages() {
        for (line, link) in page.links() {
            let (file, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = match file {
                "" => page.path.clone(),
                file => page.path.parent().unwrap().join(file),
            };
            let there = target.exists()
                && (heading.is_empty()
                    || Page::read(target).headings().any(|known| known == heading));
            if !there {
                missing.push(format!("{} {link}", page.at(line)));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_make_target_that_is_named_exists() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let targets: BTreeSet<_> = makefile
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(t, _)| t)
        .collect();
    let mut named = 0;
    for page in pages() {
        for (line, target) in page.make_targets() {
            assert!(
                targets.contains(target.as_str()),
                "{} make {target}",
                page.at(line)
            );
            named += 1;
        }
    }
    assert!(named >= 5, "{named}");
}

#[test]
fn every_folder_in_a_kubectl_command_exists() {
    let mut missing = Vec::new();
    for page in pages() {
        for block in page.blocks().filter(|block| block.info == "sh") {
            let folders = block
                .text
                .lines()
                .filter_map(|line| line.strip_prefix("kubectl apply -k "));
            let folders = folders.filter_map(|rest| rest.split(' ').next());
            missing.extend(
                folders
                    .filter(|folder| !root().join(folder).join("kustomization.yaml").exists())
                    .map(|folder| format!("{} {folder}", page.at(block.line))),
            );
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
