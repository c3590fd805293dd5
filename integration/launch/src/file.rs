//! Files that Envoy watches.

use std::path::Path;
use std::{fs, io};

/// Puts a file in place in one step, by rename. Envoy never reads half of it, and a rename is the only change that Envoy
/// notices.
///
/// # Errors
/// The file or the temporary one beside it cannot be written.
pub fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    fs::write(&beside, contents)?;
    fs::rename(&beside, path)
}
