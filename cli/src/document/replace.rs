//! Replacing a file by rename: who reads it finds the old content or the new one, whole, and Envoy, which watches for
//! renames, sees it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown, symlink};
use std::path::{Path, PathBuf};

use crate::document::LARGEST;
use crate::fault::Fault;

/// A file that is about to be replaced. No other `Replacement` of the same path exists meanwhile, in any process.
#[derive(Debug)]
pub struct Replacement {
    /// Where the content is.
    path: PathBuf,
    /// The symbolic link that leads there, if one does.
    link: Option<PathBuf>,
    file: File,
    content: Vec<u8>,
}

impl Replacement {
    /// Reads the file, after any other `Replacement` of it has ended.
    ///
    /// # Errors
    /// The file cannot be read, is read-only, is not a regular file, or is too large to be a configuration.
    pub fn of(path: &Path) -> Result<Self, Fault> {
        let link = fs::symlink_metadata(path)?
            .is_symlink()
            .then(|| path.to_path_buf());
        let path = fs::canonicalize(path)?;
        loop {
            if !fs::metadata(&path)?.is_file() {
                return Err(Fault::new("is not a regular file"));
            }
            let file = File::open(&path)?;
            // The rename needs no such right, but who took it away from everybody did not want the file changed.
            if file.metadata()?.permissions().readonly() {
                return Err(Fault::new("is read-only"));
            }
            // Some network file systems have no locks. The rename alone keeps the file whole there too.
            let _ = file.lock();
            if is_at(&file, &path)? {
                let content = read(&file)?;
                return Ok(Self {
                    path,
                    link,
                    file,
                    content,
                });
            }
            // Another process has renamed its file onto the path while this one waited for the lock of the old one.
        }
    }

    /// The content as it was read.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// Puts `content` into the file's place, with its permissions and, if that is allowed, its owner.
    ///
    /// A symbolic link to it is made anew, for Envoy watches the name that it was given and not what a link leads to.
    ///
    /// # Errors
    /// Nothing was changed but, where that is said, the file behind a link; a temporary file that was begun is removed.
    pub fn replace_with(self, content: &[u8]) -> Result<(), Fault> {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let failed =
            |what: &str, error: std::io::Error| Fault::new(format!("cannot {what}: {error}"));
        let mut temporary = Temporary::create(folder)
            .map_err(|error| failed(&format!("create a file in {}", folder.display()), error))?;
        temporary
            .fill(content, &self.file)
            .map_err(|error| failed("write the new content", error))?;
        temporary
            .rename_to(&self.path)
            .map_err(|error| failed("rename the new file over the old one", error))?;
        // The change is made. Whether the folder's entry survives a power cut is no reason to call it failed.
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
        match &self.link {
            Some(link) => renew(link).map_err(|error| {
                let what = "was changed, but the link to it could not be replaced";
                Fault::new(format!(
                    "{what}, so an Envoy that watches the link does not notice: {error}"
                ))
            }),
            None => Ok(()),
        }
    }
}

/// Reads no more than a configuration can have, and one byte more, so that a larger one is seen to be too large.
///
/// # Errors
/// Those of `source`.
pub fn read(source: impl Read) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let limit = u64::try_from(LARGEST).unwrap_or(u64::MAX).saturating_add(1);
    source.take(limit).read_to_end(&mut content)?;
    Ok(content)
}

/// Renames a link to the same place onto the link.
fn renew(link: &Path) -> std::io::Result<()> {
    let target = fs::read_link(link)?;
    let beside = link.with_file_name(format!(".canary-{}-link.tmp", std::process::id()));
    symlink(target, &beside)?;
    fs::rename(&beside, link).inspect_err(|_| drop(fs::remove_file(&beside)))
}

fn is_at(file: &File, path: &Path) -> std::io::Result<bool> {
    let (open, named) = (file.metadata()?, fs::metadata(path)?);
    Ok((open.dev(), open.ino()) == (named.dev(), named.ino()))
}

/// A file of our own that is gone when this is dropped, unless it has been renamed.
struct Temporary {
    path: PathBuf,
    file: File,
    renamed: bool,
}

impl Temporary {
    fn create(folder: &Path) -> std::io::Result<Self> {
        let mut attempt = 0;
        loop {
            let path = folder.join(format!(".canary-{}-{attempt}.tmp", std::process::id()));
            match OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
            {
                Ok(file) => {
                    return Ok(Self {
                        path,
                        file,
                        renamed: false,
                    });
                }
                // Left over from a process of the same number that was killed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && attempt < 100 => {
                    attempt += 1
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn fill(&mut self, content: &[u8], like: &File) -> std::io::Result<()> {
        self.file.write_all(content)?;
        let (old, new) = (like.metadata()?, self.file.metadata()?);
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            // Only root may give files away; who may not owns the new one.
            let _ = fchown(&self.file, Some(old.uid()), Some(old.gid()));
        }
        // After the owner, whose change clears bits of the mode.
        self.file
            .set_permissions(Permissions::from_mode(old.mode() & 0o7777))?;
        self.file.sync_all()
    }

    fn rename_to(&mut self, path: &Path) -> std::io::Result<()> {
        fs::rename(&self.path, path)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            let _ = fs::remove_file(&self.path);
        }
    }
}
