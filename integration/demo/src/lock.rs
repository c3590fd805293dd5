//! Whether the demo of a folder runs.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use crate::Trouble;

/// The name of the locked file.
const NAME: &str = "lock";

/// Held for as long as the demo runs. The kernel releases it when the process dies, even by `kill -9`, and the children
/// do not inherit it.
#[derive(Debug)]
pub(crate) struct Lock(
    #[expect(dead_code, reason = "the lock lasts as long as the open file")] File,
);

impl Lock {
    /// Creates the folder and locks it.
    ///
    /// # Errors
    /// Another demo has locked it, or the file cannot be created.
    pub(crate) fn take(folder: &Path) -> Result<Self, Trouble> {
        let failed = |error| Trouble(format!("{}: {error}", folder.display()));
        fs::create_dir_all(folder).map_err(failed)?;
        let file = File::create(folder.join(NAME)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(Trouble(format!(
                "a demo already runs in {}: end it with Ctrl-C in its terminal first",
                folder.display()
            ))),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Whether a process holds the folder's lock.
    pub(crate) fn is_held(folder: &Path) -> bool {
        let lock = File::open(folder.join(NAME)).map(|file| file.try_lock_shared());
        matches!(lock, Ok(Err(TryLockError::WouldBlock)))
    }
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::process;

    use super::*;

    #[test]
    fn one_demo_runs_in_a_folder_and_the_lock_ends_with_it() {
        let folder = env::temp_dir().join(format!("canary-lock-{}", process::id()));
        assert!(!Lock::is_held(&folder));
        let lock = Lock::take(&folder).unwrap();
        assert!(Lock::is_held(&folder));
        let refused = Lock::take(&folder).unwrap_err().to_string();
        assert!(refused.starts_with("a demo already runs in "), "{refused}");
        drop(lock);
        assert!(!Lock::is_held(&folder), "the file is still there");
        drop(Lock::take(&folder).unwrap());
        fs::remove_dir_all(folder).unwrap();
    }
}
