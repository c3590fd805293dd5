//! Build steps that cargo does not have. `cargo run -p xtask -- wasm` builds the module into `dist/plugin.wasm`, and
//! `cargo run -p xtask -- native` the native one into `dist/libcanary.so`;
//! `cargo run -p xtask -- reproduce` builds it again from a copy of the sources under another path and compares the bytes.

mod native;
mod post_link;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const TARGET: &str = "wasm32-wasip1";
const PROFILE: &str = "wasm";

/// The limit of the module, which users download and every worker compiles: 300 KB.
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
        ["native"] => native::build(),
        ["reproduce"] => reproduce(),
        _ => Err("usage: xtask wasm | native | reproduce".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Builds the filter, removes code that is never called, and writes the module as it is shipped.
fn wasm() -> Result<()> {
    let root = workspace()?;
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    let module = fs::read(build(&root, &target)?)?;
    let shipped = post_link::shipped(&module)?;
    if shipped.len() > LARGEST {
        return Err(format!(
            "the module has {} bytes, but at most {LARGEST} are allowed",
            shipped.len()
        )
        .into());
    }
    is_of_no_machine(&shipped, &root)?;
    ship(&root, "plugin.wasm", &shipped)?;
    println!(
        "dist/plugin.wasm: {} bytes ({} before the post-link)",
        shipped.len(),
        module.len()
    );
    Ok(())
}

/// Writes a file into `dist`, beside the old one and renamed: an Envoy that starts meanwhile reads the old module or the new
/// one, never half.
fn ship(root: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    fs::create_dir_all(root.join("dist"))?;
    let path = root.join("dist").join(name);
    let beside = root.join("dist").join(format!("{name}.new"));
    fs::write(&beside, bytes)?;
    fs::rename(&beside, &path)?;
    Ok(())
}

/// Builds the module from a copy of the sources under another path, and compares it with `dist/plugin.wasm`.
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
        // The list has files that are deleted but whose deletion is not committed yet.
        if from.is_file() {
            fs::create_dir_all(to.parent().unwrap_or(&elsewhere))?;
            fs::copy(from, to)?;
        }
    }
    let module = fs::read(build(&elsewhere, &elsewhere.join("target"))?)?;
    if post_link::shipped(&module)? != fs::read(shipped_at(&root))? {
        return Err("the same sources give different bytes under another path than those in dist/plugin.wasm".into());
    }
    println!("dist/plugin.wasm: the same bytes from another path");
    Ok(())
}

fn shipped_at(root: &Path) -> PathBuf {
    root.join("dist/plugin.wasm")
}

/// The root, looked up at run time because cargo does not rebuild a crate when its folder is moved or copied.
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
        // With an rlib beside it, cargo disables link-time optimization, and the module is a quarter larger.
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

/// The flags by which a commit gives the same bytes on every machine: they replace the paths that panics print.
fn flags(root: &Path) -> Result<String> {
    let [cargo, rust] = homes()?;
    let remap = |from: &Path, to| format!("--remap-path-prefix={}={to}", from.display());
    // The last matching prefix wins. A registry's folder has a hash in its name.
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

/// The folders in which cargo and the compiler keep their sources.
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

/// Checks that the module contains no path of this machine. With one, other machines would build other bytes.
fn is_of_no_machine(module: &[u8], root: &Path) -> Result<()> {
    let [cargo, rust] = homes()?;
    for path in [root, &cargo, &rust] {
        let bytes = path.as_os_str().as_encoded_bytes();
        if module.windows(bytes.len()).any(|window| window == bytes) {
            return Err(format!(
                "the module contains the path {}, so other machines would build other bytes",
                path.display()
            )
            .into());
        }
    }
    Ok(())
}
