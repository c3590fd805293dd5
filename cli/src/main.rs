//! The command `canary`: arguments in, lines and an exit status out.

use std::process::ExitCode;

mod args;
mod output;
mod run;

fn main() -> ExitCode {
    match args::parse(std::env::args_os()) {
        Ok(command) => match command.run() {
            Ok(ended) => ended.into(),
            Err(usage) => wrong_usage(&usage.0),
        },
        Err(args::Stop::Help(text)) => {
            if output::print(&text) {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(args::Stop::Usage(line)) => wrong_usage(&line),
    }
}

fn wrong_usage(line: &str) -> ExitCode {
    output::complain(&format!("canary: {line} (see canary --help)"));
    ExitCode::from(2)
}
