//! The sample repository, `examples/gitops`, in Git, and a cluster to which it is deployed.

#![allow(clippy::indexing_slicing, reason = "a test's support")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::Folder;
use super::admin::{answering, recorded};
use super::kubectl::kubectl;

pub(crate) fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/gitops")
}

/// Runs git without the settings of the user, and returns what it prints.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    let command = isolated(&mut command).current_dir(folder);
    let output = command.args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(output.status.success(), "git {arguments:?}: {said}");
    said
}

/// Takes the user's settings of git away.
pub(crate) fn isolated(command: &mut Command) -> &mut Command {
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_COUNT", "2")
        .env("GIT_CONFIG_KEY_0", "user.name")
        .env("GIT_CONFIG_VALUE_0", "Ada")
        .env("GIT_CONFIG_KEY_1", "user.email")
        .env("GIT_CONFIG_VALUE_1", "ada@example.com")
}

/// Makes `origin.git`, and a clone of it in `shop` that has the sample.
pub(crate) fn repository(folder: &Folder) -> PathBuf {
    let work = folder.path("shop");
    git(
        folder.root(),
        &["init", "-q", "--bare", "-b", "main", "origin.git"],
    );
    copy(&sample(), &work);
    git(&work, &["init", "-q", "-b", "main"]);
    git(&work, &["add", "--all"]);
    git(&work, &["commit", "-q", "-m", "The canary of color"]);
    git(&work, &["remote", "add", "origin", "../origin.git"]);
    git(&work, &["push", "-q", "-u", "origin", "main"]);
    work
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// A `kubectl` whose cluster has the plugin of the sample and two pods of the gateway, which run it.
pub(crate) fn cluster(is_rolled_back: bool) -> Folder {
    let folder = kubectl();
    let plugin = fs::read_to_string(sample().join("deploy/plugin.yaml")).unwrap();
    let plugin: Value = serde_yaml_ng::from_str(&plugin).unwrap();
    fs::write(folder.path("object.json"), plugin.to_string()).unwrap();
    let pod = |name: &str| {
        let mut stats = String::from_utf8(recorded("rolled-back.stats.json")).unwrap();
        if !is_rolled_back {
            stats = as_before_the_rollback(&stats);
        }
        let address = answering(stats.into_bytes(), recorded("ecds.json"));
        format!("{name} {}\n", address.split_once(':').unwrap().1)
    };
    let pods = ["gateway-a", "gateway-b"].map(pod).concat();
    fs::write(folder.path("pods"), pods).unwrap();
    folder
}

/// The recorded numbers with no version rolled back and no error of green.
fn as_before_the_rollback(stats: &str) -> String {
    let mut stats: Value = serde_json::from_str(stats).unwrap();
    for stat in stats["stats"].as_array_mut().unwrap() {
        let name = stat["name"].as_str().unwrap_or_default().to_owned();
        let is_of_green = name.contains("green-sub");
        let is_about_a_rollback = name.contains("canary_rolled_back.");
        if is_about_a_rollback || name.contains("canary_rollbacks_total.") {
            stat["value"] = 0.into();
        }
        if name.contains("canary_weight.") {
            stat["value"] = if is_of_green { 2500 } else { 7500 }.into();
        }
        if is_of_green && name.contains("canary_responses_total.") {
            let is_ok = name.contains("class=.=ok");
            stat["value"] = if is_ok { 16 } else { 0 }.into();
        }
    }
    stats.to_string()
}
