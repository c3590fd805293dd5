//! What the demo prints while it runs.

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::line::Line;
use crate::load::Load;
use crate::parts::{Parts, local};
use crate::settings::Settings;
use crate::watch::Watch;
use crate::window::Window;

/// Sends requests and prints their split until `stop` is set.
///
/// # Errors
/// A process has ended, or the output is closed.
pub(crate) fn run(
    settings: &Settings,
    parts: &mut Parts,
    stop: &AtomicBool,
) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout();
    let live = out.is_terminal();
    writeln!(out, "{}", greeting(settings))?;

    let newline = if live { "\n" } else { "" };
    let pace = Duration::from_millis(if live { 250 } else { 3000 });
    let mut drawn = Instant::now();
    let load = Load::start(local(settings.listener));
    let mut watch = Watch::start(settings.weights(), local(settings.admin));
    let mut window = Window::default();
    while !stop.load(Ordering::Relaxed) {
        parts
            .check_all_run()
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
            let (file, log) = (settings.weights(), settings.envoy_log());
            let reason = parts.complaint().unwrap_or_default();
            let (file, log) = (file.display(), log.display());
            writeln!(out, "{newline}{file} is refused, see {log}: {reason}")?;
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
                // Wrapping is off for this line, so that a narrow terminal cuts it instead of scrolling.
                write!(out, "\r\x1b[?7l{line}\x1b[K\x1b[?7h")?;
            } else {
                writeln!(out, "{line}")?;
            }
            out.flush()?;
            parts.limit_logs();
        }
    }
    writeln!(out, "{newline}the demo has ended")?;
    Ok(())
}

fn greeting(settings: &Settings) -> String {
    let (listener, admin, log) = (settings.listener, settings.admin, settings.envoy_log());
    let log = log.display();
    format!(
        "
  Open   http://127.0.0.1:{listener}/color/wall   in a browser: every answer becomes a tile. Break green there and
  see it taken out. http://127.0.0.1:{listener}/color is the service itself: a cookie keeps a browser on its colour. Requests
  without cookies, such as those below, are a new user each. In another terminal:

  curl -s -H 'accept: application/json' http://127.0.0.1:{listener}/color
  make weights BLUE=50 GREEN=50   other weights, live
  make rollback                   everybody to blue
  make promotion                  everybody to green

  Envoy's admin page: http://127.0.0.1:{admin}   Envoy's log: {log}   Ctrl-C ends all of it.
"
    )
}
