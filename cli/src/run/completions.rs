//! `canary completions`.

use clap_complete::Shell;

use crate::args::command_line;
use crate::output::print;
use crate::run::Ended;

/// Print the completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:\n  $ canary completions bash >/etc/bash_completion.d/canary")]
pub(crate) struct Arguments {
    /// The shell that reads them
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> Ended {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command_line(), "canary", &mut script);
    Ended::of(print(&String::from_utf8_lossy(&script)))
}
