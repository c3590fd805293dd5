//! A `kubectl` that has one object and no cluster.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::Folder;

/// In its folder, it prints `object.json`, which `next.json` replaces after the first time, keeps a patch in `patch.json`,
/// and fails with the text in `get-fails` or `patch-fails`. It forwards the pods in `pods`, lines of a name and a port, to
/// these ports. All calls are in `calls`.
const SCRIPT: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit
echo "$*" >>calls
case "$1 $2" in
"get pods")
  if [ -f get-fails ]; then cat get-fails >&2; exit 1; fi
  sed 's|\([^ ]*\) .*|pod/\1|' pods
  exit ;;
"port-forward "*)
  echo "Forwarding from 127.0.0.1:$(sed -n "s|^${6#pod/} ||p" pods) -> 15000"
  exec sleep 60 ;;
esac
case "$1 $6 $7" in
"get --output=json ")
  if [ -f get-fails ]; then cat get-fails >&2; exit 1; fi
  cat object.json
  if [ -f next.json ]; then mv next.json object.json; fi ;;
"patch --type=json --patch")
  printf %s "$8" >patch.json
  if [ -f patch-fails ]; then cat patch-fails >&2; exit 1; fi
  echo "wasmplugin.extensions.istio.io/$3 patched" ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
"#;

/// A folder with it.
pub(crate) fn kubectl() -> Folder {
    let folder = Folder::new();
    program(&folder, "kubectl", SCRIPT);
    folder
}

/// Makes a program.
pub(crate) fn program(folder: &Folder, name: &str, script: &str) {
    let path = folder.path(name);
    fs::write(&path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Puts the programs of a folder before all others.
pub(crate) fn in_path<'c>(command: &'c mut Command, folder: &Folder) -> &'c mut Command {
    let path = env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", folder.root().display()))
}
