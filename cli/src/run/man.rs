//! `canary man`.

use clap_mangen::Man;

use crate::args::command_line;
use crate::output::print;
use crate::run::{Ended, Usage};

/// Print the manual page, or that of a command, in roff
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:\n  $ canary man check | man -l -")]
pub(crate) struct Arguments {
    /// The command whose page is printed
    command: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Ended, Usage> {
    let mut whole = command_line();
    // This names the page of a command `canary-check`.
    whole.build();
    let described = match &arguments.command {
        None => whole,
        Some(name) => whole
            .find_subcommand(name)
            .cloned()
            .ok_or_else(|| Usage(format!("man: there is no command `{name}`")))?,
    };
    let mut page = Vec::new();
    let written = Man::new(described).render(&mut page);
    Ok(Ended::of(
        written.is_ok() && print(&String::from_utf8_lossy(&page)),
    ))
}
