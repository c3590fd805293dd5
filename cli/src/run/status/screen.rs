//! How a report is shown: once, one after another, or in place on a terminal.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use canary::status::{Line, Report, Tone, utc};
use terminal_size::{Height, Width, terminal_size};

use crate::output::{Output, complain, print};

/// Where reports go.
pub(super) struct Screen {
    output: Output,
    is_watching: bool,
    /// Not if NO_COLOR is set, or a file or a pipe is written.
    has_colours: bool,
    /// The lines of the last report that are on the terminal, if it is drawn in place.
    drawn: Option<usize>,
}

impl Screen {
    pub(super) fn new(output: Output, is_watching: bool) -> Self {
        let in_place = is_watching && output == Output::Text && io::stdout().is_terminal();
        Self {
            output,
            is_watching,
            has_colours: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
            drawn: in_place.then_some(0),
        }
    }

    /// Shows a report of a time in seconds since 1970. Returns whether it could be written.
    pub(super) fn show(&mut self, report: &Report, now: i64) -> bool {
        let text = match self.output {
            Output::Json if self.is_watching => format!("{}\n", report.json()),
            Output::Json => format!("{:#}\n", report.json()),
            Output::Text => self.text(report, now),
        };
        print(&text)
    }

    fn text(&mut self, report: &Report, now: i64) -> String {
        let mut lines = report.lines();
        let silent = report
            .silent()
            .map(|(name, reason)| format!("{name}: {reason}").replace(char::is_control, " "));
        if self.is_watching {
            let error = |text| Line {
                text,
                tone: Tone::Error,
            };
            lines.splice(0..0, silent.map(error).collect::<Vec<_>>());
            let head = Line {
                text: utc(now),
                tone: Tone::Plain,
            };
            lines.insert(0, head);
        } else {
            silent.for_each(|line| complain(&line));
        }
        let Some(drawn) = self.drawn else {
            let end = if self.is_watching { "\n" } else { "" };
            return lines
                .iter()
                .map(|line| format!("{}\n", self.painted(line)))
                .collect::<String>()
                + end;
        };
        // A line that wraps or scrolls away cannot be drawn over.
        let (Width(width), Height(height)) = terminal_size().unwrap_or((Width(80), Height(24)));
        lines.truncate(usize::from(height).saturating_sub(1).max(1));
        let mut text = String::new();
        if drawn > 0 {
            let _ = write!(text, "\x1b[{drawn}A\r");
        }
        for line in &mut lines {
            line.text = line.text.chars().take(width.into()).collect();
            let _ = writeln!(text, "{}\x1b[K", self.painted(line));
        }
        text.push_str("\x1b[J");
        self.drawn = Some(lines.len());
        text
    }

    fn painted(&self, line: &Line) -> String {
        let style = match line.tone {
            _ if !self.has_colours => Style::new(),
            Tone::Head => Style::new().bold(),
            Tone::Plain => Style::new(),
            Tone::Warning => AnsiColor::Yellow.on_default(),
            Tone::Error => AnsiColor::Red.on_default(),
        };
        format!("{style}{}{style:#}", line.text)
    }
}
