//! `canary man`.

use std::path::{Path, PathBuf};

use clap_mangen::Man;

use crate::args::command_line;
use crate::output::{complain, print, shown};
use crate::run::{Ended, Usage};

/// Print the manual page, or that of a command, in roff
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:\n  $ canary man check | man -l -")]
pub(crate) struct Arguments {
    /// The command whose page is printed
    command: Option<String>,

    /// Write the pages of all commands into this directory instead
    #[arg(long, value_name = "DIRECTORY", conflicts_with = "command")]
    directory: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Ended, Usage> {
    if let Some(directory) = &arguments.directory {
        return Ok(write_all(directory));
    }
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

fn write_all(directory: &Path) -> Ended {
    let written = clap_mangen::generate_to(command_line(), directory);
    if let Err(error) = &written {
        complain(&format!("{}: {error}", shown(directory)));
    }
    Ended::of(written.is_ok())
}
