//! Replaces a file by rename: readers find either the old content or the new content, never a mixture, and Envoy notices
//! the change, because it watches for renames.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown, symlink};
use std::path::{Path, PathBuf};

use crate::document::LARGEST;
use crate::fault::Fault;

/// A file that is about to be replaced. While this exists, no other process has a `Replacement` of the same path.
#[derive(Debug)]
pub struct Replacement {
    /// The file that has the content.
    path: PathBuf,
    /// The symbolic link that the user named, if it was one.
    link: Option<PathBuf>,
    file: File,
    content: Vec<u8>,
}

impl Replacement {
    /// Reads the file as soon as no other `Replacement` of it exists.
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
            // A rename does not need write permission on the file, but a read-only file is not meant to be changed.
            if file.metadata()?.permissions().readonly() {
                return Err(Fault::new("is read-only"));
            }
            // Some network file systems have no locks. The rename keeps the file consistent without one.
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
            // While this process waited for the lock, another one renamed its file over the path.
        }
    }

    /// The content as it was read.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// Replaces the file with `content`. Permissions stay, and so does the owner if this process may set it.
    ///
    /// Replaces a symbolic link to the file as well, because Envoy watches the path that it was given and not its target.
    ///
    /// # Errors
    /// Nothing was changed, unless the error says that the target of a link was. The temporary file is removed.
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
        // The change is already visible, so a failed sync of the folder (it matters only for a power cut) is not an error.
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

/// Reads one byte more than the largest file that is accepted, so that the caller can recognize a larger one.
///
/// # Errors
/// Those of `source`.
pub fn read(source: impl Read) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let limit = u64::try_from(LARGEST).unwrap_or(u64::MAX).saturating_add(1);
    source.take(limit).read_to_end(&mut content)?;
    Ok(content)
}

/// Creates a new link to the same target and renames it over the old one.
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

/// A temporary file. Dropping it removes the file, unless the file has been renamed.
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
                // A process with the same id was killed and left its file here.
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
            // Only root may set the owner; otherwise the new file belongs to this process's user.
            let _ = fchown(&self.file, Some(old.uid()), Some(old.gid()));
        }
        // Set the mode after the owner, because a change of the owner clears bits of the mode.
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
