//! The native module: what it may need of the machine that loads it.

use std::env;
use std::fs;
use std::process::Command;

use crate::{Result, flags, is_of_no_machine, ship, workspace};

/// Names the target of a release: a triple, and for cargo-zigbuild the version of glibc after it, as in
/// `x86_64-unknown-linux-gnu.2.28`.
const TARGET: &str = "CANARY_NATIVE_TARGET";

/// Builds the module for this machine, or by cargo-zigbuild for the target that the environment names.
pub(crate) fn build() -> Result<()> {
    let root = workspace()?;
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    let release = env::var(TARGET).ok().filter(|target| !target.is_empty());
    let mut cargo = match &release {
        Some(_) => Command::new("cargo-zigbuild"),
        None => Command::new(env::var_os("CARGO").unwrap_or("cargo".into())),
    };
    cargo.args(["rustc", "--locked", "--package", "native"]);
    cargo.args(["--profile", "native"]);
    // With an rlib beside it, which tests link, cargo would disable link-time optimization.
    cargo.args(["--lib", "--crate-type", "cdylib"]);
    let mut folder = target.clone();
    if let Some(release) = &release {
        cargo.args(["--target", release]);
        folder.push(release.split('.').next().unwrap_or(release));
    }
    let status = cargo
        .env("CARGO_ENCODED_RUSTFLAGS", flags(&root)?)
        .env("CARGO_TARGET_DIR", &target)
        .current_dir(&root)
        .status()?;
    if !status.success() {
        return Err("the native module does not build".into());
    }
    let module = fs::read(folder.join("native/libcanary_native.so"))?;
    is_of_no_machine(&module, &root)?;
    ship(&root, "libcanary.so", &module)?;
    println!("dist/libcanary.so: {} bytes", module.len());
    Ok(())
}
