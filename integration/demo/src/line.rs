//! `blue 75.2 %  ███████▌  green 24.8 %   last 2 000 requests · 0 errors · weights 75/25`

use std::fmt;

use crate::window::Tally;

const BAR: usize = 20;
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// The observed split and the configured one.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) tally: Tally,
    pub(crate) weights: &'a str,
    /// Whether the newest file was refused, so that older weights are in force.
    pub(crate) refused: bool,
    /// Whether the output is a terminal, which shows colours.
    pub(crate) live: bool,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally {
            blue,
            green,
            errors,
        } = self.tally;
        let share = |part: usize| 100.0 * part as f64 / (blue + green).max(1) as f64;
        let bar = bar(blue, green);
        // Blue on green: the rest of the bar is green's.
        let (on, off) = if self.live && blue + green > 0 {
            ("\x1b[34;42m", "\x1b[0m")
        } else {
            ("", "")
        };
        let requests = thousands(blue + green + errors);
        let plural = if errors == 1 { "" } else { "s" };
        write!(
            f,
            "blue {:5.1} %  {on}{bar}{off}  green {:5.1} %",
            share(blue),
            share(green)
        )?;
        write!(
            f,
            "   last {requests} requests · {} error{plural} · weights {}",
            thousands(errors),
            self.weights
        )?;
        if self.refused {
            f.write_str(" refused")?;
        }
        Ok(())
    }
}

/// Blue's share as a bar, to an eighth of a character.
fn bar(blue: usize, green: usize) -> String {
    let eighths = (blue * BAR * 8 + (blue + green) / 2) / (blue + green).max(1);
    let part = EIGHTHS.get(eighths % 8).copied().unwrap_or_default();
    let bar = "█".repeat(eighths / 8) + part;
    format!("{bar:BAR$}")
}

/// `12345` as `12 345`.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_shows_both_shares() {
        let tally = Tally {
            blue: 1500,
            green: 500,
            errors: 0,
        };
        let line = Line {
            tally,
            weights: "75/25",
            refused: false,
            live: false,
        }
        .to_string();
        let bar = "███████████████     ";
        assert_eq!(
            line,
            format!(
                "blue  75.0 %  {bar}  green  25.0 %   last 2 000 requests · 0 errors · weights 75/25"
            )
        );
    }

    #[test]
    fn without_an_answer_both_shares_are_zero() {
        let tally = Tally {
            blue: 0,
            green: 0,
            errors: 1,
        };
        let line = Line {
            tally,
            weights: "?",
            refused: true,
            live: false,
        }
        .to_string();
        assert!(line.starts_with("blue   0.0 %"), "{line}");
        assert!(
            line.contains("1 error ·") && line.contains("? refused"),
            "{line}"
        );
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1000, "1 000"),
            (1_234_567, "1 234 567"),
        ];
        for (number, text) in cases {
            assert_eq!(thousands(number), text);
        }
    }
}
