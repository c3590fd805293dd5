//! The circumstances of the measurement.

use std::fs;
use std::process::Command;

use launch::Binary;

use crate::Trouble;

/// The machine and its load, Envoy, the modules.
pub(crate) fn describe() -> Result<String, Trouble> {
    let info = fs::read_to_string("/proc/cpuinfo")?;
    let models: Vec<_> = info
        .lines()
        .filter_map(|line| line.strip_prefix("model name"))
        .collect();
    let model = models
        .first()
        .and_then(|rest| rest.split_once(": "))
        .map_or("unknown", |(_, model)| model);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    let version = String::from_utf8(
        Command::new(Binary::Envoy.find()?)
            .arg("--version")
            .output()?
            .stdout,
    )?;
    // `path  version: commit/1.40.0/Clean/RELEASE/BoringSSL`
    let version = version
        .rsplit('/')
        .nth(3)
        .unwrap_or("of an unknown version");
    let bytes = |binary: Binary| Ok::<_, Trouble>(fs::metadata(binary.find()?)?.len());
    Ok(format!(
        "{} x {model}, Linux {}, load {load} before; Envoy {version}; dist/plugin.wasm of {} bytes, dist/libcanary.so \
         of {} bytes",
        models.len(),
        kernel.trim(),
        bytes(Binary::Plugin)?,
        bytes(Binary::Native)?,
    ))
}
