//! A real browser, if one is installed.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use launch::Process;

use crate::Scratch;
use crate::devtools::Tab;
use crate::envoy::eventually;

/// The names under which distributions install it.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Disables everything that needs a display, a sandbox (root cannot have one) or a network beyond the page.
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

/// One user's Chromium. Its cookies last as long as the value.
#[derive(Debug)]
pub struct Chromium {
    binary: PathBuf,
    profile: Scratch,
}

impl Chromium {
    /// A new user, or `None` if Chromium is not installed.
    pub fn new() -> Option<Self> {
        let path = env::var_os("PATH")?;
        let places = env::split_paths(&path).flat_map(|dir| NAMES.map(|name| dir.join(name)));
        let binary = places.into_iter().find(|file| file.is_file())?;
        Some(Self {
            binary,
            profile: Scratch::new(),
        })
    }

    /// Starts the browser, opens the page and returns the document as it is after its scripts have received all answers.
    pub fn open(&self, url: &str) -> String {
        let mut command = self.command();
        // Virtual time stops while an answer is outstanding.
        command.args(["--virtual-time-budget=5000", "--dump-dom", url]);
        let mut process =
            Process::start("Chromium", &command, &self.profile.join("page.log")).unwrap();
        let ended = eventually("Chromium has shown the page", || process.ended());
        assert!(ended.status.success(), "{}: {}", ended.status, ended.log);
        ended.log
    }

    /// Starts the browser with an empty page that the test drives.
    pub fn drive(&self) -> Tab {
        Tab::start(&self.command(), &self.profile)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(FLAGS).arg(format!(
            "--user-data-dir={}",
            self.profile.join("data").display()
        ));
        command
    }
}
