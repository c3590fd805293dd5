//! Links the unwinder into the module, so that it needs nothing of the proxy's image but the C library.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CANARY_NATIVE_TARGET");
    // For another target, Zig's linker brings an unwinder of its own, and does not know the argument below. A library may
    // lack functions there by default.
    if std::env::var_os("CANARY_NATIVE_TARGET").is_some_and(|target| !target.is_empty()) {
        return;
    }
    // The functions of Envoy are there when it has loaded the module. Tests have them from fake-envoy.
    println!("cargo::rustc-link-arg-cdylib=-Wl,--unresolved-symbols=ignore-all");
    let asked = Command::new("cc")
        .arg("-print-file-name=libgcc_eh.a")
        .output();
    let Ok(asked) = asked else { return };
    let path = String::from_utf8_lossy(&asked.stdout);
    let path = Path::new(path.trim());
    // Before the standard library's own `-lgcc_s`, which is then not needed.
    if let (true, Some(folder)) = (path.is_absolute(), path.parent()) {
        println!("cargo::rustc-link-search=native={}", folder.display());
        println!("cargo::rustc-link-lib=static:+verbatim=libgcc_eh.a");
    }
}
