//! Build steps that cargo has not. `cargo run -p xtask -- wasm` builds the module into `dist/plugin.wasm`;
//! `cargo run -p xtask -- reproduce` builds it once more from a copy of the sources elsewhere and compares the bytes.

mod post_link;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const TARGET: &str = "wasm32-wasip1";
const PROFILE: &str = "wasm";

/// What users download and every worker compiles: 300 KB.
const LARGEST: usize = 300_000;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["wasm"] => wasm(),
        ["reproduce"] => reproduce(),
        _ => Err("usage: xtask wasm | reproduce".into()),
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
    let root = workspace()?;
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    let module = fs::read(build(&root, &target)?)?;
    let shipped = post_link::shipped(&module)?;
    if shipped.len() > LARGEST {
        return Err(format!(
            "the module has {} bytes, and at most {LARGEST} are promised",
            shipped.len()
        )
        .into());
    }
    is_of_no_machine(&shipped, &root)?;
    let path = shipped_at(&root);
    fs::create_dir_all(root.join("dist"))?;
    // Beside it and then onto it: an Envoy that starts meanwhile sees the old module or the new one, never half of it.
    let beside = path.with_extension("wasm.new");
    fs::write(&beside, &shipped)?;
    fs::rename(&beside, &path)?;
    println!(
        "dist/plugin.wasm: {} bytes ({} before the post-link)",
        shipped.len(),
        module.len()
    );
    Ok(())
}

/// Builds the module from a copy of the sources under another path, and compares it with the one that is there.
fn reproduce() -> Result<()> {
    let root = workspace()?;
    let elsewhere = root.join("target/reproduce/another path");
    if elsewhere.exists() {
        fs::remove_dir_all(&elsewhere)?;
    }
    let files = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(&root)
        .output()?;
    for file in String::from_utf8(files.stdout)?.split_terminator('\0') {
        let (from, to) = (root.join(file), elsewhere.join(file));
        // A file that is deleted but not yet committed is in the list.
        if from.is_file() {
            fs::create_dir_all(to.parent().unwrap_or(&elsewhere))?;
            fs::copy(from, to)?;
        }
    }
    let module = fs::read(build(&elsewhere, &elsewhere.join("target"))?)?;
    if post_link::shipped(&module)? != fs::read(shipped_at(&root))? {
        return Err("the same sources give another dist/plugin.wasm under another path".into());
    }
    println!("dist/plugin.wasm: the same bytes from another path");
    Ok(())
}

fn shipped_at(root: &Path) -> PathBuf {
    root.join("dist/plugin.wasm")
}

/// Asked when it runs: cargo does not build anew what it has built in a folder that was moved or copied since.
fn workspace() -> Result<PathBuf> {
    let own = env::var_os("CARGO_MANIFEST_DIR").ok_or("run it by `cargo run -p xtask`")?;
    Ok(Path::new(&own)
        .parent()
        .unwrap_or(Path::new("."))
        .to_path_buf())
}

fn build(root: &Path, target: &Path) -> Result<PathBuf> {
    let status = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args([
            "rustc",
            "--locked",
            "--package",
            "canary-filter",
            "--target",
            TARGET,
            "--profile",
            PROFILE,
        ])
        // Beside an rlib, cargo gives up link-time optimization: the module would be a quarter larger.
        .args(["--lib", "--crate-type", "cdylib"])
        .env("CARGO_ENCODED_RUSTFLAGS", flags(root)?)
        .env("CARGO_TARGET_DIR", target)
        .current_dir(root)
        .status()?;
    if !status.success() {
        return Err(format!(
            "the filter does not build for {TARGET} (`rustup target add {TARGET}`?)"
        )
        .into());
    }
    Ok(target.join(TARGET).join(PROFILE).join("canary_filter.wasm"))
}

/// The same commit gives the same bytes wherever it is built: paths of the machine are replaced in what panics print.
fn flags(root: &Path) -> Result<String> {
    let [cargo, rust] = homes()?;
    let remap = |from: &Path, to| format!("--remap-path-prefix={}={to}", from.display());
    // The last prefix that fits wins. A registry's folder has a hash in its name.
    let registries = fs::read_dir(cargo.join("registry/src"))
        .map(|entries| entries.flatten().map(|entry| entry.path()));
    let mut remaps = vec![
        remap(&cargo, "/cargo"),
        remap(&rust, "/rust"),
        remap(root, "/src"),
    ];
    remaps.extend(
        registries
            .into_iter()
            .flatten()
            .map(|registry| remap(&registry, "")),
    );
    Ok(remaps.join("\x1f"))
}

/// Where cargo and the compiler keep their sources.
fn homes() -> Result<[PathBuf; 2]> {
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cargo = env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let rustc = env::var_os("RUSTC").unwrap_or("rustc".into());
    let sysroot = Command::new(rustc)
        .args(["--print", "sysroot"])
        .output()?
        .stdout;
    Ok([cargo, PathBuf::from(String::from_utf8(sysroot)?.trim())])
}

/// No path of this machine is left in the module: another machine has others, and so other bytes.
fn is_of_no_machine(module: &[u8], root: &Path) -> Result<()> {
    let [cargo, rust] = homes()?;
    for path in [root, &cargo, &rust] {
        let bytes = path.as_os_str().as_encoded_bytes();
        if module.windows(bytes.len()).any(|window| window == bytes) {
            return Err(format!(
                "the module names {}: other machines would build other bytes",
                path.display()
            )
            .into());
        }
    }
    Ok(())
}
