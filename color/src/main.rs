//! Color, the demo service. It answers with a page in one colour, so that everyone can see which version of a service
//! received a request. Start it twice, blue and green, and put a proxy in front that splits the traffic.
//!
//! | variable   | meaning                        | if absent or empty       |
//! | ---------- | ------------------------------ | ------------------------ |
//! | `COLOR`    | any CSS colour                 | `blue`                   |
//! | `HOST`     | IP address to listen on        | `0.0.0.0`                |
//! | `PORT`     | port to listen on; 0: a free one | `8080`                   |
//! | `HOSTNAME` | the name that the page shows   | the system's own, or `unknown` |
//! | `COLOR_FAULTS` | `on` allows `PUT /color/faults`, for demos; off in production | `off` |
//!
//! | request           | answer                                                            |
//! | ----------------- | ----------------------------------------------------------------- |
//! | any path          | the page, or with `Accept: application/json` the object `{"color","host","requests"}`; both set the cookie `color` and the header `x-color` |
//! | `GET /healthz`    | `ok`, not counted; another method gets a 405                      |
//! | `GET /color/wall` | the wall: a page that shows a canary live; not counted, and never at fault |
//! | `PUT /color/faults` | with `COLOR_FAULTS=on`, `{"errorPercent": 0..100, "latencyMs": 0..60000}` makes this version bad: so many of the answers above are a 503, and all come later. `GET` reads it. Otherwise both are a 404 |
//!
//! `color health` requests `/healthz` from the Color on the same host and `PORT`, for the health check of a container.
//!
//! The page answers every method but CONNECT, so that any request through a load balancer, a POST as well as a GET, shows
//! which version answered. The count includes the answer that shows it; a HEAD shows nothing and is not counted. If the
//! request passed the canary filter, the page also shows the filter's decision: its script requests its own address by
//! HEAD and reads the response header `x-canary`.
//!
//! Color prints its address in one line, `color blue listening on 0.0.0.0:8080`. After SIGTERM or SIGINT it completes the
//! answers in progress, for at most [`DRAIN`], and exits with code 0. If it cannot start, it prints one line on stderr and
//! exits with code 1.

#![forbid(unsafe_code)]

mod accept;
mod color;
mod faults;
mod health;
mod page;
mod service;
mod settings;
mod wall;

use std::ffi::OsString;
use std::future::Future;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fmt};

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::settings::{InvalidSetting, Settings};

/// How long the answers in progress may take after a signal. `docker stop` kills the process after 10 s and Kubernetes
/// after 30 s, so it has to end before that to exit with code 0.
const DRAIN: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not eprintln!, which panics if stderr is closed: the exit code still reports the failure.
            let _ = writeln!(io::stderr(), "color: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs on one thread: it serves far more than a demo's load, and the binary stays small.
fn run() -> Result<(), StartError> {
    let settings = Settings::from_environment()?;
    if let Some(argument) = env::args_os().nth(1) {
        return match argument.to_str() {
            Some("health") => health::check(settings.port)
                .map_err(|error| StartError::Unhealthy(settings.port, error)),
            _ => Err(StartError::Argument(argument)),
        };
    }
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(StartError::Runtime)?
        .block_on(serve(settings))
}

async fn serve(settings: Settings) -> Result<(), StartError> {
    // Before the line below is printed, because its reader may send a signal at once.
    let end = End::listen().map_err(StartError::Runtime)?;
    let listen = |error| StartError::Listen(settings.port, error);
    let listener = TcpListener::bind((settings.address, settings.port))
        .await
        .map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    // Escaped, so that it stays one line whatever the colour's text is.
    let color = settings.color.text().escape_debug();
    let _ = writeln!(io::stdout(), "color {color} listening on {address}");

    // An answer must not wait for the acknowledgement of the previous one.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let (asked, drain) = oneshot::channel();
    let service = service::router(settings.color, settings.host, settings.faults);
    let server = axum::serve(listener, service).with_graceful_shutdown(async {
        end.asked().await;
        let _ = asked.send(());
    });
    tokio::select! {
        result = server => result.map_err(StartError::Runtime),
        () = expire(drain) => Ok(()),
    }
}

/// Resolves [`DRAIN`] after a signal.
async fn expire(asked: impl Future) {
    asked.await;
    tokio::time::sleep(DRAIN).await;
}

/// The two signals that end the process.
struct End {
    terminate: Signal,
    interrupt: Signal,
}

impl End {
    /// Catches the signals from now on. The first process of a container has no default action for them, so without this
    /// Color would not end at all.
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn asked(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Why Color cannot start.
enum StartError {
    Setting(InvalidSetting),
    Listen(u16, io::Error),
    Runtime(io::Error),
    Unhealthy(u16, io::Error),
    Argument(OsString),
}

impl From<InvalidSetting> for StartError {
    fn from(error: InvalidSetting) -> Self {
        Self::Setting(error)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(error) => error.fmt(f),
            Self::Listen(port, error) => {
                write!(f, "cannot listen on port {port}: ")?;
                match error.kind() {
                    io::ErrorKind::AddrInUse => f.write_str("address already in use"),
                    io::ErrorKind::PermissionDenied => f.write_str("permission denied"),
                    _ => error.fmt(f),
                }
            }
            Self::Runtime(error) => write!(f, "cannot run: {error}"),
            Self::Unhealthy(port, error) => write!(f, "not healthy on port {port}: {error}"),
            Self::Argument(argument) => {
                write!(f, "unknown argument {argument:?}: there is only `health`")
            }
        }
    }
}
