//! `.ci/run` with stand-ins for the programs that change a machine.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests and their support: a failure ends the test and names the line"
)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Programs that are called for real.
const REAL: &[&str] = &[
    "bash", "cat", "dirname", "env", "mktemp", "rm", "sed", "seq", "setpriv", "sh", "sleep",
    "tail", "tar", "timeout", "touch", "umount",
];

/// Stand-ins that are always there.
const ALWAYS: &[&str] = &["apt-cache", "apt-get", "dpkg", "id", "make"];

/// Stand-ins for programs that `.ci/run` installs if they are missing.
const OPTIONAL: &[&str] = &[
    "chromium",
    "docker",
    "docker-compose",
    "docker-init",
    "dockerd",
    "helm",
    "iptables",
    "kubectl",
    "lua5.1",
    "prometheus",
    "promtool",
];

struct Ran {
    succeeded: bool,
    said: String,
    calls: Vec<String>,
}

impl Ran {
    fn called(&self, call: &str) -> bool {
        self.calls.iter().any(|made| made.starts_with(call))
    }

    /// The calls of make, in order.
    fn made(&self) -> Vec<&str> {
        self.calls
            .iter()
            .map(String::as_str)
            .filter(|call| call.starts_with("make "))
            .collect()
    }
}

/// Runs it in a folder of its own, on a machine with these programs. By default it runs in CI as root, everything can be
/// installed, `dockerd` starts, and nothing fails; `changes` overrides that.
fn run(test: &str, programs: &[&str], changes: &[(&str, &str)]) -> Ran {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    for name in ["bin", "tmp", "integration"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    symlink(root.join(".ci"), folder.join(".ci")).unwrap();
    symlink(
        root.join("integration/engine.sh"),
        folder.join("integration/engine.sh"),
    )
    .unwrap();
    for name in REAL {
        symlink(which(name), folder.join("bin").join(name)).unwrap();
    }
    for name in ALWAYS.iter().chain(programs) {
        symlink(
            root.join("xtask/tests/program.sh"),
            folder.join("bin").join(name),
        )
        .unwrap();
    }
    let calls = folder.join("calls");
    let usual = [
        ("CI", "true"),
        ("IS", "0"),
        ("INSTALLS", "yes"),
        ("STARTS", "yes"),
        ("FAILS", ""),
    ];
    let mut environment: BTreeMap<_, _> = usual.into_iter().collect();
    environment.extend(changes.iter().copied());
    let output = Command::new(folder.join("bin/bash"))
        .arg(folder.join(".ci/run"))
        .env_clear()
        .envs(environment)
        .env("CALLS", &calls)
        .env("PATH", folder.join("bin"))
        .env("TMPDIR", folder.join("tmp"))
        .output()
        .unwrap();
    let left: Vec<_> = fs::read_dir(folder.join("tmp")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    let said = [output.stdout, output.stderr].concat();
    let calls = fs::read_to_string(calls).unwrap();
    Ran {
        succeeded: output.status.success(),
        said: String::from_utf8(said).unwrap(),
        calls: calls.lines().map(str::to_owned).collect(),
    }
}

fn which(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("{name} is not installed"))
}

const BOTH: &[&str] = &["make test", "make test-compose"];

#[test]
fn without_ci_it_is_make_test_and_changes_nothing() {
    let ran = run("developer", &[], &[("CI", "")]);
    assert!(ran.succeeded, "{}", ran.said);
    assert_eq!(ran.calls, ["make test"]);
}

#[test]
fn without_root_nothing_is_installed() {
    let ran = run("not-root", OPTIONAL, &[("IS", "1000")]);
    assert!(ran.succeeded, "{}", ran.said);
    assert!(
        !ran.called("apt-get") && !ran.called("dockerd"),
        "{:?}",
        ran.calls
    );
    assert_eq!(ran.made(), BOTH);
}

#[test]
fn present_tools_are_not_installed_and_the_daemon_ends_with_the_tests() {
    let ran = run("all-there", OPTIONAL, &[]);
    assert!(ran.succeeded, "{}", ran.said);
    assert!(!ran.called("apt-get"), "{:?}", ran.calls);
    assert!(
        ran.said.contains("container engine: started dockerd"),
        "{}",
        ran.said
    );
    assert_eq!(ran.made(), BOTH);
    assert_eq!(ran.calls.last().unwrap(), "dockerd ended");
}

#[test]
fn tools_that_cannot_be_installed_are_named_and_fail_nothing() {
    let ran = run("no-network", &[], &[("INSTALLS", "no")]);
    assert!(ran.succeeded, "{}", ran.said);
    for tool in [
        "browser: apt-get has not installed chromium: E: no network",
        "kubectl: 1.27",
        "prometheus: apt-get has not installed prometheus: E: no network",
        "lua: apt-get has not installed lua5.1: E: no network",
        "container engine: apt-get",
        "helm: Debian has none",
    ] {
        assert!(
            ran.said.contains(&format!(".ci/run: skipped: {tool}")),
            "{tool}: {}",
            ran.said
        );
    }
    assert_eq!(ran.made(), BOTH);
}

#[test]
fn helm_is_built_by_go_where_go_is() {
    let others: Vec<_> = OPTIONAL.iter().filter(|name| **name != "helm").collect();
    let programs: Vec<_> = others.into_iter().copied().chain(["go"]).collect();
    let ran = run("go", &programs, &[]);
    assert!(ran.called("go install"), "{:?}", ran.calls);
    assert!(ran.said.contains("helm: built by Go"), "{}", ran.said);
    let ran = run("go-fails", &programs, &[("INSTALLS", "no")]);
    let said = ".ci/run: skipped: helm: Go has not built it: E: no network";
    assert!(ran.succeeded && ran.said.contains(said), "{}", ran.said);
}

#[test]
fn a_daemon_that_does_not_start_is_reported_and_fails_nothing() {
    let ran = run("no-daemon", OPTIONAL, &[("STARTS", "no")]);
    assert!(ran.succeeded, "{}", ran.said);
    assert!(
        ran.said
            .contains("skipped: container engine: dockerd does not work here: no cgroups"),
        "{}",
        ran.said
    );
    assert_eq!(ran.made(), BOTH);
}

#[test]
fn a_failed_test_fails_the_run_and_ends_the_daemon() {
    for fails in ["test", "test-compose"] {
        let ran = run(&format!("{fails}-fails"), OPTIONAL, &[("FAILS", fails)]);
        assert!(!ran.succeeded, "{}", ran.said);
        assert_eq!(ran.made().last().unwrap(), &format!("make {fails}"));
        assert_eq!(ran.calls.last().unwrap(), "dockerd ended");
    }
}

/// The targets that the workflows and `.ci/run` make are in the Makefile.
#[test]
fn every_make_target_of_the_workflows_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read = |path: PathBuf| fs::read_to_string(path).unwrap();
    let makefile = read(root.join("Makefile"));
    let targets: Vec<_> = makefile
        .lines()
        .filter_map(|line| line.strip_prefix(".PHONY: "))
        .flat_map(str::split_whitespace)
        .collect();
    let mut made = 0;
    for file in fs::read_dir(root.join(".github/workflows")).unwrap() {
        for line in read(file.unwrap().path()).lines() {
            if let Some(target) = line.trim().strip_prefix("- run: make ") {
                let target = target.split(' ').next().unwrap();
                assert!(targets.contains(&target), "make {target}");
                made += 1;
            }
        }
    }
    assert!(made >= 7, "{made}");
}
