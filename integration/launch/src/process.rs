//! A child process that cannot outlive this one.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// Keeps the real child on a leash. The leash's standard input ends when [`Process`] is dropped and when this process
/// dies, however it dies; the child then gets a SIGTERM, and a SIGKILL 5 s later.
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
    /// Starts `command`. Ctrl-C at the terminal does not reach the child; it ends when the value is dropped.
    ///
    /// # Errors
    /// The log file cannot be created, or the process cannot be started.
    pub fn start(name: &'static str, command: &Command, log: &Path) -> io::Result<Self> {
        // The child appends, so that the file may be emptied while the child writes.
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

    /// How the child ended, if it has ended.
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

/// A child that has ended.
#[derive(Debug)]
pub struct Ended {
    /// The name that [`Process::start`] was given.
    pub name: &'static str,
    /// Its exit code as a shell reports it: for a signal, 128 plus the signal's number.
    pub status: ExitStatus,
    /// Everything that it has written.
    pub log: String,
}

impl Ended {
    /// The last `n` lines that it has written.
    pub fn last_lines(&self, n: usize) -> String {
        let lines: Vec<_> = self.log.lines().collect();
        let skipped = lines.len().saturating_sub(n);
        lines.get(skipped..).unwrap_or_default().join("\n")
    }
}
