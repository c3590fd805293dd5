//! `make bench`, the part in a real Envoy.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    match integration::bench::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
