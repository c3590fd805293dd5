//! `make demo`: two Colors, an Envoy, and a line that shows the observed split of real requests.
//!
//! `demo` runs in the repository's root until it gets a signal, and then ends everything that it has started.
//! `demo running` exits with 0 if the demo runs, and with 1 if it does not. `demo updates FOLDER` prints how many
//! configurations the Envoy of that folder has accepted, and `demo settle FOLDER N` waits until it has accepted more than N
//! and the newest is in force.

#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "not the core: it paces requests and waits for Envoy"
)]

mod files;
mod line;
mod load;
mod lock;
mod parts;
mod screen;
mod settings;
mod settle;
mod watch;
mod window;

use std::error::Error;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::{env, fmt, fs};

use lock::Lock;
use parts::{Parts, local};
use settings::Settings;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

const USAGE: &str = "usage: demo [running | updates FOLDER | settle FOLDER UPDATES]";

/// Why the demo cannot go on, as a sentence for the user.
#[derive(Debug)]
struct Trouble(String);

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Trouble {}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let settings = Settings::read(|name| env::var(name).ok());
    let done = match (arguments.as_slice(), settings) {
        ([], Ok(settings)) => run(&settings),
        (["running"], Ok(settings)) if Lock::is_held(&settings.folder) => Ok(()),
        (["running"], Ok(_)) => return ExitCode::FAILURE,
        (["updates", folder], _) => updates(Path::new(folder)).map_err(Into::into),
        (["settle", folder, before], _) => match before.parse() {
            Ok(before) => settle(Path::new(folder), before).map_err(Into::into),
            Err(_) => Err(USAGE.into()),
        },
        (_, Err(trouble)) => Err(trouble.into()),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn updates(folder: &Path) -> Result<(), Trouble> {
    println!("{}", settle::updates(files::admin(folder)?)?);
    Ok(())
}

fn settle(folder: &Path, before: u64) -> Result<(), Trouble> {
    settle::settle(files::admin(folder)?, before)
}

/// Runs until a signal comes.
///
/// # Errors
/// Something is missing, a port is taken, or a process has ended.
fn run(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let _lock = Lock::take(&settings.folder)?;
    check_free(&settings.ports())?;
    files::write(settings)?;
    let _weights = RemovedAtTheEnd(settings.weights());
    let mut parts = Parts::start(settings)?;
    parts.wait_until_ready(settings, &stop)?;
    screen::run(settings, &mut parts, &stop)
}

/// Checks that nothing listens on these ports, by binding each for a moment.
///
/// # Errors
/// All ports that cannot be used, and how to choose others.
fn check_free(ports: &[(&str, u16)]) -> Result<(), Trouble> {
    let (mut faults, mut others) = (Vec::new(), Vec::new());
    for (variable, port) in ports {
        if let Err(error) = TcpListener::bind(local(*port)) {
            faults.push(match error.kind() {
                io::ErrorKind::AddrInUse => format!("port {port} is taken"),
                _ => format!("port {port} cannot be used ({error})"),
            });
            let other = port.checked_add(1000).unwrap_or(port / 2);
            others.push(format!("{variable}={other}"));
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(Trouble(format!(
        "{}: stop what listens there (another demo?), or choose another port, for example make demo {}",
        faults.join(", "),
        others.join(" ")
    )))
}

/// A file that is removed when the demo ends, so that nothing looks as if it still ran.
struct RemovedAtTheEnd(PathBuf);

impl Drop for RemovedAtTheEnd {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
