//! The demo: two Colors, an Envoy, and a line that shows the observed split of real requests.

mod line;
mod load;
mod watch;
mod window;

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{fmt, fs, thread};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::upstream::Color;
use crate::{Binary, Ended, Process, envoy, http1, replace};
use line::Line;
use load::Load;
use watch::Watch;
use window::Window;

const LISTENER: u16 = 8080;
const ADMIN: u16 = 9901;
const BLUE: u16 = 8081;
const GREEN: u16 = 8082;

/// What the demo changes and writes; Envoy's paths in `envoy/envoy.yaml` say the same.
const DIR: &str = "target/demo";
const WEIGHTS: &str = "target/demo/canary.yaml";
const ENVOY_LOG: &str = "target/demo/envoy.log";
/// The access log of a demo that runs for days shall not fill the disk.
const LOG_LIMIT: u64 = 64 << 20;

/// Why the demo cannot go on, in a sentence for who started it.
#[derive(Debug)]
struct Trouble(String);

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Trouble {}

/// Runs in the repository's root until a signal comes; then everything that it started has ended.
///
/// # Errors
/// Something is missing, a port is taken, or a process ended by itself: in a sentence.
pub fn run() -> Result<(), Box<dyn Error>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let (envoy, color) = (Binary::Envoy.find()?, Binary::Color.find()?);
    Binary::Plugin.find()?;
    for port in [LISTENER, ADMIN, BLUE, GREEN] {
        free(port)?;
    }
    fs::create_dir_all(DIR)?;
    replace(Path::new(WEIGHTS), &fs::read("envoy/canary.yaml")?)?;
    let _weights = RemovedAtTheEnd(PathBuf::from(WEIGHTS));

    let log = |name: &str| Path::new(DIR).join(name);
    let mut parts = Parts(vec![
        Color::spawn(&color, "blue", "color-blue-0", BLUE, &log("color-blue.log"))?,
        Color::spawn(
            &color,
            "green",
            "color-green-0",
            GREEN,
            &log("color-green.log"),
        )?,
    ]);
    let mut command = Command::new(envoy);
    command.args([
        "-c",
        "envoy/envoy.yaml",
        "--concurrency",
        "2",
        "--file-flush-interval-msec",
        "500",
    ]);
    parts.0.push(envoy::start(command, Path::new(ENVOY_LOG))?);
    parts.wait_until_ready(&stop)?;
    watch_split(&mut parts, &stop)
}

/// Nobody listens there: bound for a moment, as the demo's own parts will.
fn free(port: u16) -> Result<(), Trouble> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(Trouble(format!(
            "port {port} is taken: stop what listens there (another demo?), then run `make demo` again"
        ))),
        Err(error) => Err(Trouble(format!("port {port} cannot be used: {error}"))),
    }
}

/// `make weights` can tell by it that the demo does not run.
struct RemovedAtTheEnd(PathBuf);

impl Drop for RemovedAtTheEnd {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The processes; they end with it.
struct Parts(Vec<Process>);

impl Parts {
    fn all_run(&mut self) -> Result<(), Trouble> {
        let ended = self.0.iter_mut().find_map(Process::ended);
        ended.map_or(Ok(()), |ended: Ended| {
            let (name, status, lines) = (ended.name, ended.status, ended.last_lines(8));
            Err(Trouble(format!(
                "{name} ended by itself ({status}), and the demo with it. Its last lines:\n{lines}"
            )))
        })
    }

    /// What Envoy or the filter has said last about a configuration with a mistake.
    fn complaint(&self) -> Option<String> {
        let log = self.0.last()?.log();
        let complaints = ["refused, ", " rejected: ", " update failure: "];
        let line = log
            .lines()
            .rev()
            .find(|line| complaints.iter().any(|words| line.contains(words)))?;
        Some(
            line.rsplit_once("] ")
                .map_or(line, |(_, text)| text)
                .to_owned(),
        )
    }

    fn wait_until_ready(&mut self, stop: &AtomicBool) -> Result<(), Trouble> {
        let end = Instant::now() + Duration::from_secs(30);
        let answers =
            |port, path| http1::get(local(port), path).is_ok_and(|answer| answer.status == 200);
        while !(answers(BLUE, "/healthz")
            && answers(GREEN, "/healthz")
            && envoy::ready(local(ADMIN)))
        {
            self.all_run()?;
            if stop.load(Ordering::Relaxed) {
                break;
            }
            if Instant::now() > end {
                return Err(Trouble(format!(
                    "Envoy and Color are not ready after 30 s: see {ENVOY_LOG}"
                )));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

fn watch_split(parts: &mut Parts, stop: &AtomicBool) -> Result<(), Box<dyn Error>> {
    let live = io::stdout().is_terminal();
    let mut out = io::stdout();
    writeln!(out, "{}", greeting())?;

    let pace = Duration::from_millis(if live { 250 } else { 3000 });
    let mut drawn = Instant::now();
    let load = Load::start(local(LISTENER));
    let mut watch = Watch::start(WEIGHTS.into(), local(ADMIN));
    let mut window = Window::default();
    while !stop.load(Ordering::Relaxed) {
        parts
            .all_run()
            .inspect_err(|_| drop(writeln!(io::stdout())))?;
        if let Some(sample) = load.next(Duration::from_millis(50)) {
            window.add(sample);
        }
        let now = Instant::now();
        let was_refused = watch.refused();
        if watch.look(now) {
            window.restart(now);
        }
        if watch.refused() && !was_refused {
            let reason = parts.complaint().unwrap_or_default();
            writeln!(
                out,
                "{}{WEIGHTS} is refused, see {ENVOY_LOG}: {reason}",
                if live { "\n" } else { "" }
            )?;
        }
        if now.duration_since(drawn) >= pace {
            drawn = now;
            let line = Line {
                tally: window.tally(now),
                weights: watch.weights(),
                refused: watch.refused(),
                live,
            };
            if live {
                // Without wrapping, so that a narrow terminal cuts the line and shows one.
                write!(out, "\r\x1b[?7l{line}\x1b[K\x1b[?7h")?;
            } else {
                writeln!(out, "{line}")?;
            }
            out.flush()?;
            parts.0.iter().for_each(|part| part.limit_log(LOG_LIMIT));
        }
    }
    writeln!(out, "{}the demo has ended", if live { "\n" } else { "" })?;
    Ok(())
}

fn greeting() -> String {
    format!(
        "
  Open   http://127.0.0.1:{LISTENER}/color   in a browser: it stays on its colour by a cookie, and a private
  window is another user. Without cookies every request is one, as here and below. In another terminal:

  curl -s -H 'accept: application/json' http://127.0.0.1:{LISTENER}/color
  make weights BLUE=50 GREEN=50   other weights, live
  make rollback                   everybody to blue
  make promotion                  everybody to green

  Envoy's admin page: http://127.0.0.1:{ADMIN}   Envoy's log: {ENVOY_LOG}   Ctrl-C ends all of it.
"
    )
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}
