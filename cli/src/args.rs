//! The arguments of the command line.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::run::{
    Ended, Usage, check, completions, convert, explain, man, schema, simulate, status, weights,
};

/// Know what a configuration of canary-filter does before it is live, and change it in place
#[derive(Debug, Parser)]
#[command(
    name = "canary",
    version,
    max_term_width = 100,
    after_help = "Exit status: 0 success, 1 a file was refused or something failed, 2 wrong usage."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What the user asks for.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Check(check::Arguments),
    Explain(Box<explain::Arguments>),
    Simulate(simulate::Arguments),
    Convert(convert::Arguments),
    Weights(weights::Arguments),
    Schema(schema::Arguments),
    Status(status::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

impl Command {
    /// Carries it out.
    ///
    /// # Errors
    /// The arguments do not fit together, although each of them is well-formed.
    pub(crate) fn run(self) -> Result<Ended, Usage> {
        match self {
            Self::Check(arguments) => Ok(check::run(&arguments)),
            Self::Explain(arguments) => explain::run(*arguments),
            Self::Simulate(arguments) => simulate::run(arguments),
            Self::Convert(arguments) => Ok(convert::run(&arguments)),
            Self::Weights(arguments) => weights::run(arguments),
            Self::Schema(arguments) => Ok(schema::run(&arguments)),
            Self::Status(arguments) => Ok(status::run(&arguments)),
            Self::Completions(arguments) => Ok(completions::run(&arguments)),
            Self::Man(arguments) => man::run(&arguments),
        }
    }
}

/// Why there is no command to carry out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The user asked for this text: that of `--help` or `--version`.
    Help(String),
    /// The arguments are wrong; one line says why.
    Usage(String),
}

/// Parses the arguments, the first of which is the program's name.
///
/// # Errors
/// See [`Stop`].
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, Stop> {
    Arguments::try_parse_from(arguments)
        .map(|arguments| arguments.command)
        .map_err(|error| match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Stop::Help(error.to_string()),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                Stop::Usage("a command is missing".to_owned())
            }
            _ => Stop::Usage(one_line(&error.to_string())),
        })
}

/// The whole command line, for the completions and the manual page.
pub(crate) fn command_line() -> clap::Command {
    <Arguments as clap::CommandFactory>::command()
}

/// clap explains a mistake in paragraphs: the mistake, tips, the usage, and where to find help.
fn one_line(message: &str) -> String {
    let mistake = message.split("\n\n").filter_map(|paragraph| {
        let words = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
        let words = words.strip_prefix("error: ").unwrap_or(&words).to_owned();
        let is_about_usage = words.starts_with("Usage:") || words.starts_with("For more");
        (!is_about_usage && !words.is_empty()).then_some(words)
    });
    canary::one_line(&mistake.collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command_line().debug_assert();
    }

    #[test]
    fn a_mistake_is_one_line_without_the_usage() {
        let line =
            one_line("error: unrecognized `a\u{7}`\n\n  tip: use `b`\n\nUsage: canary\n\nFor more");
        assert_eq!(line, "unrecognized `a\\u{7}`; tip: use `b`");
    }
}
