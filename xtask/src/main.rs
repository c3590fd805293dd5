//! Build steps that cargo has not. `cargo run -p xtask -- wasm` builds the module into `dist/plugin.wasm`.

mod post_link;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const TARGET: &str = "wasm32-wasip1";
const PROFILE: &str = "wasm";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["wasm"] => wasm(),
        _ => Err("usage: xtask wasm".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Builds the filter, takes out what the proxy never calls, and writes the module as it is shipped.
fn wasm() -> Result<()> {
    let root = workspace();
    let module = fs::read(build(&root)?)?;
    let shipped = post_link::shipped(&module)?;
    let path = root.join("dist/plugin.wasm");
    fs::create_dir_all(root.join("dist"))?;
    // Beside it and then onto it: an Envoy that starts meanwhile sees the old module or the new one, never half of it.
    let beside = root.join("dist/plugin.wasm.new");
    fs::write(&beside, &shipped)?;
    fs::rename(&beside, &path)?;
    println!("dist/plugin.wasm: {} bytes ({} before the post-link)", shipped.len(), module.len());
    Ok(())
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_path_buf()
}

fn build(root: &Path) -> Result<PathBuf> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    let status = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["rustc", "--locked", "--package", "canary-filter", "--target", TARGET, "--profile", PROFILE])
        // Beside an rlib, cargo gives up link-time optimization: the module would be a quarter larger.
        .args(["--lib", "--crate-type", "cdylib"])
        .env("CARGO_ENCODED_RUSTFLAGS", flags(root)?)
        .current_dir(root)
        .status()?;
    if !status.success() {
        return Err(format!("the filter does not build for {TARGET} (`rustup target add {TARGET}`?)").into());
    }
    Ok(target.join(TARGET).join(PROFILE).join("canary_filter.wasm"))
}

/// The same commit gives the same bytes wherever it is built: paths of the machine are replaced in what panics print.
fn flags(root: &Path) -> Result<String> {
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cargo = env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let rustc = env::var_os("RUSTC").unwrap_or("rustc".into());
    let sysroot = Command::new(rustc).args(["--print", "sysroot"]).output()?.stdout;
    let sysroot = String::from_utf8(sysroot)?;
    let remap = |from: &Path, to| format!("--remap-path-prefix={}={to}", from.display());
    // The last prefix that fits wins. A registry's folder has a hash in its name.
    let registries =
        fs::read_dir(cargo.join("registry/src")).map(|entries| entries.flatten().map(|entry| entry.path()));
    let mut remaps =
        vec![remap(&cargo, "/cargo"), remap(Path::new(sysroot.trim()), "/rust"), remap(root, "/src")];
    remaps.extend(registries.into_iter().flatten().map(|registry| remap(&registry, "")));
    Ok(remaps.join("\x1f"))
}
