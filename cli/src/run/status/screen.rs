//! How a report is shown: once, one after another, or in place on a terminal.

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
        let (Width(width), Height(height)) = terminal_size().unwrap_or((Width(80), Height(24)));
        let lines = fitted(lines, width.into(), height.into());
        self.drawn = Some(lines.len());
        let up = if drawn > 0 {
            format!("\x1b[{drawn}A\r")
        } else {
            String::new()
        };
        let line = |line: &Line| format!("{}\x1b[K\n", self.painted(line));
        format!("{up}{}\x1b[J", lines.iter().map(line).collect::<String>())
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

/// The lines as they fit on the terminal: a line that the terminal itself wraps, or that scrolls away, cannot be drawn over.
fn fitted(lines: Vec<Line>, width: usize, height: usize) -> Vec<Line> {
    // In the last column, some terminals erase the character there together with the rest of the line.
    let width = width.saturating_sub(1).max(1);
    let wrapped = lines.into_iter().flat_map(|line| {
        let characters: Vec<char> = line.text.chars().collect();
        let parts: Vec<String> = if characters.is_empty() {
            vec![String::new()]
        } else {
            characters
                .chunks(width)
                .map(|part| part.iter().collect())
                .collect()
        };
        parts.into_iter().map(move |text| Line {
            text,
            tone: line.tone,
        })
    });
    wrapped.take(height.saturating_sub(1).max(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_wrapped_to_the_width_and_cut_at_the_height() {
        let line = |text: &str| Line {
            text: text.to_owned(),
            tone: Tone::Plain,
        };
        let shown = |width, height| {
            let fitted = fitted(vec![line("äbcdef"), line(""), line("g")], width, height);
            fitted.into_iter().map(|line| line.text).collect::<Vec<_>>()
        };
        assert_eq!(shown(5, 9), ["äbcd", "ef", "", "g"]);
        assert_eq!(shown(7, 3), ["äbcdef", ""]);
        assert_eq!(shown(0, 0), ["ä"]);
    }

    #[test]
    fn a_frame_is_drawn_over_the_one_before() {
        let mut screen = Screen {
            output: Output::Text,
            is_watching: true,
            has_colours: false,
            drawn: Some(0),
        };
        let report = Report {
            proxies: Vec::new(),
        };
        assert_eq!(
            screen.text(&report, 0),
            "1970-01-01T00:00:00Z\x1b[K\n\x1b[J"
        );
        assert_eq!(
            screen.text(&report, 1),
            "\x1b[1A\r1970-01-01T00:00:01Z\x1b[K\n\x1b[J"
        );
    }
}
