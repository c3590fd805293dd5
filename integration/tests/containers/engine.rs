//! Commands in the repository's root.

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A program that runs in the root; what it prints. Anything but success ends the test.
pub(crate) fn run<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> String {
    attempt(program, arguments).unwrap_or_else(|said| panic!("{program}: {said}"))
}

/// The same for a program that may fail.
pub(crate) fn attempt<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> Result<String, String> {
    // Of a make that runs this: a make in here has a life of its own.
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .output()
        .map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

/// docker, podman or buildah.
pub(crate) fn engine() -> String {
    run::<&str>("integration/engine.sh", &[])
}

/// The name of an image, as the Makefile hands it on.
pub(crate) fn image(variable: &str) -> String {
    env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run this by make test-images"))
}
