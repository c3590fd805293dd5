//! A child process that cannot outlive this one.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// Holds the real child on a leash: when its standard input ends, because [`Process`] was dropped or
/// because this process died in whatever way, the child gets a SIGTERM, and 5 s later a SIGKILL.
const LEASH: &str = r#"
exec 3<&0
"$@" 3<&- </dev/null &
child=$!
{ cat; kill "$child"; sleep 5; kill -9 "$child"; } <&3 3<&- >/dev/null 2>&1 &
leash=$!
exec 3<&-
wait "$child"
status=$?
kill "$leash"
exit "$status"
"#;

/// A running child process whose output goes to a file.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    leash: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`. Ctrl-C at the terminal does not reach it: it ends with the value.
    ///
    /// # Errors
    /// The log file or the process cannot be made.
    pub fn start(name: &'static str, command: &Command, log: &Path) -> io::Result<Self> {
        // To append makes it safe to empty the file while the child writes.
        drop(File::create(log)?);
        let out = File::options().append(true).open(log)?;
        let mut leash = Command::new("/bin/sh");
        leash
            .args(["-c", LEASH, name])
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => leash.env(name, value),
                None => leash.env_remove(name),
            };
        }
        if let Some(dir) = command.get_current_dir() {
            leash.current_dir(dir);
        }
        leash
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(out.try_clone()?)
            .stderr(out);
        Ok(Self {
            name,
            leash: leash.spawn()?,
            log: log.to_path_buf(),
        })
    }

    /// Everything that the child has written so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Empties the log once it is longer than `bytes`.
    pub fn limit_log(&self, bytes: u64) {
        if fs::metadata(&self.log).is_ok_and(|file| file.len() > bytes) {
            let _ = File::options()
                .write(true)
                .open(&self.log)
                .and_then(|log| log.set_len(0));
        }
    }

    /// How the child ended, if it did.
    pub fn ended(&mut self) -> Option<Ended> {
        let status = self.leash.try_wait().ok()??;
        Some(Ended {
            name: self.name,
            status,
            log: self.log(),
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.leash.stdin.take());
        let _ = self.leash.wait();
    }
}

/// A child that is no more.
#[derive(Debug)]
pub struct Ended {
    /// What it was.
    pub name: &'static str,
    /// Its exit code or signal, as a shell gives it (128 + the signal's number).
    pub status: ExitStatus,
    /// Everything that it had written.
    pub log: String,
}

impl Ended {
    /// The last `n` lines of what it had written.
    pub fn last_lines(&self, n: usize) -> String {
        let lines: Vec<_> = self.log.lines().collect();
        lines[lines.len().saturating_sub(n)..].join("\n")
    }
}
