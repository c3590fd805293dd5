//! A real browser, where the machine has one.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::envoy::eventually;
use crate::{Process, Scratch};

/// The names that distributions give it.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Quiet, and without what needs a display, a sandbox (root has none) or the network beyond the page.
const FLAGS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// One user's Chromium: the cookies last as long as the value.
#[derive(Debug)]
pub struct Chromium {
    binary: PathBuf,
    profile: Scratch,
}

impl Chromium {
    /// A new user; `None` where no Chromium is installed.
    pub fn new() -> Option<Self> {
        let path = env::var_os("PATH")?;
        let places = env::split_paths(&path).flat_map(|dir| NAMES.map(|name| dir.join(name)));
        let binary = places.into_iter().find(|file| file.is_file())?;
        Some(Self {
            binary,
            profile: Scratch::new(),
        })
    }

    /// Starts the browser, opens the page and gives it as it is once its scripts have had all answers they asked for.
    pub fn open(&self, url: &str) -> String {
        let mut command = Command::new(&self.binary);
        command.args(FLAGS).arg(format!(
            "--user-data-dir={}",
            self.profile.join("data").display()
        ));
        // Virtual time stands still while an answer is outstanding.
        command.args(["--virtual-time-budget=5000", "--dump-dom", url]);
        let mut process =
            Process::start("Chromium", &command, &self.profile.join("page.log")).unwrap();
        let ended = eventually("Chromium has shown the page", || process.ended());
        assert!(ended.status.success(), "{}: {}", ended.status, ended.log);
        ended.log
    }
}
