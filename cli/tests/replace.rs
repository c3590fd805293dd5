//! `canary weights`: how it replaces the file on disk.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use support::{Folder, ecds};

#[test]
fn the_file_is_replaced_by_rename_with_its_permissions() {
    let folder = Folder::with("canary.yaml", ecds("75", "25"));
    let path = folder.path("canary.yaml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
    let before = fs::metadata(&path).unwrap();
    assert_eq!(
        folder
            .canary(["weights", "canary.yaml", "color", "blue-sub=1"])
            .status,
        0
    );
    let after = fs::metadata(&path).unwrap();
    assert_ne!(
        after.ino(),
        before.ino(),
        "Envoy does not notice an edit in place"
    );
    assert_eq!(
        (after.mode(), after.uid(), after.gid()),
        (before.mode(), before.uid(), before.gid())
    );
    assert_eq!(folder.names(), ["canary.yaml"]);
}

#[test]
fn a_change_to_the_same_weights_does_not_touch_the_file() {
    let folder = Folder::with("canary.yaml", ecds("75", "25"));
    let inode = fs::metadata(folder.path("canary.yaml")).unwrap().ino();
    let said = folder.canary(["weights", "canary.yaml", "color", "green-sub=25"]);
    assert_eq!(
        said.stdout,
        "color: blue-sub 75 (75 %), green-sub 25 (25 %) (unchanged)\n"
    );
    assert_eq!(
        fs::metadata(folder.path("canary.yaml")).unwrap().ino(),
        inode
    );
}

#[test]
fn a_symbolic_link_stays_and_its_target_is_replaced() {
    let folder = Folder::new();
    fs::create_dir(folder.path("real")).unwrap();
    fs::write(folder.path("real/canary.yaml"), ecds("75", "25")).unwrap();
    symlink("real/canary.yaml", folder.path("link.yaml")).unwrap();
    let inode = || {
        fs::symlink_metadata(folder.path("link.yaml"))
            .unwrap()
            .ino()
    };
    let before = inode();
    assert_eq!(
        folder
            .canary(["weights", "link.yaml", "color", "blue-sub=1"])
            .status,
        0
    );
    assert_eq!(
        fs::read_link(folder.path("link.yaml")).unwrap(),
        Path::new("real/canary.yaml")
    );
    assert_ne!(
        inode(),
        before,
        "Envoy notices a rename of the link that it watches, not of its target"
    );
    assert_eq!(folder.read("real/canary.yaml"), ecds("1", "25"));
    assert_eq!(folder.names(), ["link.yaml", "real"]);
}

/// Runs as another user if this is root, for whom no folder is read-only.
#[test]
fn in_a_read_only_folder_the_change_fails_and_the_file_stays() {
    let folder = Folder::with("canary.yaml", ecds("75", "25"));
    let binary = folder.path("canary");
    // Not `fs::copy`: a child that another test starts meanwhile would inherit the open file, which then cannot be run.
    assert!(
        Command::new("cp")
            .arg(env!("CARGO_BIN_EXE_canary"))
            .arg(&binary)
            .status()
            .unwrap()
            .success()
    );
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(folder.root(), fs::Permissions::from_mode(0o555)).unwrap();
    let mut command = Command::new(&binary);
    if fs::metadata(folder.root()).unwrap().uid() == 0 {
        command.uid(65_534);
    }
    let output = command
        .current_dir(folder.root())
        .args(["weights", "canary.yaml", "color", "blue-sub=1"])
        .output()
        .unwrap();
    fs::set_permissions(folder.root(), fs::Permissions::from_mode(0o755)).unwrap();
    let root = fs::canonicalize(folder.root()).unwrap();
    let line = format!(
        "canary.yaml: cannot create a file in {}: Permission denied (os error 13)\n",
        root.display()
    );
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap()
        ),
        (Some(1), line)
    );
    assert_eq!(folder.read("canary.yaml"), ecds("75", "25"));
    assert_eq!(folder.names(), ["canary", "canary.yaml"]);
}

#[test]
fn concurrent_changes_are_all_made() {
    let rules: String = (0..8)
        .map(|n| {
            format!(
                "- {{name: r{n}, route: [{{cluster: a, weight: 1}}, {{cluster: b, weight: 1}}]}}\n"
            )
        })
        .collect();
    let folder = Folder::with("c.yaml", format!("http:\n{rules}"));
    let start = |n: usize| {
        let arguments = [
            "weights".to_owned(),
            "c.yaml".to_owned(),
            format!("r{n}"),
            format!("a={}", 100 + n),
        ];
        folder
            .command()
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..8).map(start).collect();
    assert!(
        children
            .into_iter()
            .all(|mut child| child.wait().unwrap().success())
    );
    let expected: String = (0..8)
        .map(|n| {
            format!(
                "- {{name: r{n}, route: [{{cluster: a, weight: {}}}, {{cluster: b, weight: 1}}]}}\n",
                100 + n
            )
        })
        .collect();
    assert_eq!(folder.read("c.yaml"), format!("http:\n{expected}"));
    assert_eq!(folder.names(), ["c.yaml"]);
}
