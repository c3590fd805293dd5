//! The results in words, tables and bars.

use std::fmt::Write;

use anstyle::Style;

use crate::commands::explain::text::Styled;
use crate::commands::simulate::ramp::Moment;
use crate::commands::simulate::rollback::{Detection, Spread};
use crate::commands::simulate::users::Moves;
use crate::commands::simulate::{Scenario, SimulatedRule};
use crate::commands::status::utc;
use crate::commands::table::{table, with_numbers};

const BOLD: Style = Style::new().bold();

/// The bars of the destinations, in their order. They are told apart without colours.
const FILLS: [char; 6] = ['█', '░', '▒', '▓', '#', '.'];

/// How many characters all destinations together are.
const WIDTH: f64 = 40.0;

impl SimulatedRule {
    /// The result in lines, with ANSI styles. `file` and `to` are the names of the files.
    pub fn text(&self, file: &str, to: Option<&str>, scenario: &Scenario) -> String {
        let mut text = String::new();
        let keys = self.keys.join(", ");
        let known = match keys.as_str() {
            "" => "each request is drawn by weight".to_owned(),
            keys => format!("users are known by {keys}"),
        };
        let name = Styled(BOLD, &self.rule);
        let _ = writeln!(text, "{name} ({file}:{}): {known}", self.line);
        let _ = writeln!(text, "{}", self.shares());
        if !self.ramp.is_empty() {
            let _ = writeln!(text, "\n{}", self.bars(scenario.at));
        }
        if let (Some(moves), Some(to)) = (&self.moves, to) {
            let _ = writeln!(text, "\n{}", moves.text(to, scenario));
        }
        for detection in &self.rollbacks {
            let _ = writeln!(text, "\n{}", detection.text(scenario));
        }
        text
    }

    fn shares(&self) -> String {
        let counted = if self.keys.is_empty() {
            "requests"
        } else {
            "users"
        };
        let mut table = table(&["destination", "weight", "expected", "seen", counted]);
        for destination in &self.destinations {
            table.add_row([
                destination.label.clone(),
                destination.weight.to_string(),
                percent(destination.expected),
                percent(destination.seen),
                destination.users.to_string(),
            ]);
        }
        with_numbers(table)
    }

    /// A bar for each time, with every destination's part of it.
    fn bars(&self, now: i64) -> String {
        let fills = FILLS.iter().cycle();
        let legend = self.destinations.iter().zip(fills);
        let legend = legend.map(|(destination, fill)| format!("{fill} {}", destination.label));
        let mut text = format!("ramp: {}", legend.collect::<Vec<_>>().join("  "));
        let is_now = |moment: &&Moment| moment.at <= now;
        let current = self.ramp.iter().filter(is_now).count();
        for (number, moment) in self.ramp.iter().enumerate() {
            let shares: Vec<_> = moment.shares.iter().map(|share| percent(*share)).collect();
            // The moment holds until the next one, or until the end of time.
            let mark = if number + 1 == current { " <" } else { "" };
            let _ = write!(
                text,
                "\n  {}  {}  {}{mark}",
                moment.time,
                bar(&moment.shares),
                shares.join(" / ")
            );
        }
        let place = if current > 0 {
            "at the mark <"
        } else {
            "before all of these"
        };
        let _ = write!(text, "\nthe table is for {}, {place}", utc(now));
        text
    }
}

fn bar(shares: &[f64]) -> String {
    let mut bar = String::new();
    let (mut sum, mut drawn) = (0.0, 0);
    for (share, fill) in shares.iter().zip(FILLS.iter().cycle()) {
        sum += share;
        let end = up_to(sum);
        bar.extend(std::iter::repeat_n(*fill, end.saturating_sub(drawn)));
        drawn = drawn.max(end);
    }
    bar
}

/// The characters of shares that have this sum.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is from 0 to the width"
)]
fn up_to(sum: f64) -> usize {
    (sum * WIDTH).round() as usize
}

impl Moves {
    fn text(&self, to: &str, scenario: &Scenario) -> String {
        let mut text = format!("with {to}:");
        if let Some(reason) = &self.unknown {
            return format!("{text} {reason}");
        }
        if let Some(note) = &self.note {
            let _ = write!(text, " {note}");
        }
        let titles = std::iter::once("from \\ to".to_owned());
        // A label keeps its case, other titles do not.
        let mut table = table(&[]);
        table.set_header(titles.chain(self.to.iter().cloned()));
        for (label, row) in self.from.iter().zip(&self.users) {
            let users = row.iter().map(u32::to_string);
            table.add_row(std::iter::once(label.clone()).chain(users));
        }
        let Self {
            moved,
            back,
            stable,
            ..
        } = self;
        let _ = write!(
            text,
            "\n{}\n{moved} of {} users move ({}), {back} of them back to {stable}",
            with_numbers(table),
            scenario.users,
            percent(f64::from(*moved) / f64::from(scenario.users.max(1)))
        );
        text
    }
}

impl Detection {
    fn text(&self, scenario: &Scenario) -> String {
        let Self {
            label,
            trials,
            rolled_back,
            ..
        } = self;
        let mut text = format!(
            "{}: {} of its answers are errors from one moment on, and {} of the others', at {} requests a second",
            Styled(BOLD, format!("{label} fails")),
            percent(self.errors),
            percent(scenario.background),
            scenario.rate
        );
        if let Some(reason) = &self.unjudged {
            return format!("{text}\n  {reason}");
        }
        match (self.seconds, self.failed_requests, self.failed_users) {
            (Some(seconds), Some(requests), Some(users)) => {
                let would = if self.observes { "would be " } else { "" };
                let seconds = seconds.text(1);
                let _ = write!(text, "\n  {would}rolled back after {seconds} s");
                if rolled_back < trials {
                    let _ = write!(
                        text,
                        ", in {rolled_back} of {trials} trials; the others not within an hour"
                    );
                }
                let (requests, users) = (requests.text(0), users.text(0));
                let _ = write!(
                    text,
                    "\n  {requests} requests fail until then, and {users} users see an error"
                );
                if self.observes {
                    text.push_str("\n  the rollback is only observed, so the version keeps its share and goes on failing");
                }
            }
            _ => {
                let _ = write!(
                    text,
                    "\n  not rolled back within an hour, in any of {trials} trials"
                );
            }
        }
        let good = self.good_rolled_back_in_a_week;
        let times = if good == 1 { "time" } else { "times" };
        let _ = write!(
            text,
            "\n  if it is as good as the others, it is rolled back {good} {times} in a simulated week"
        );
        text
    }
}

impl Spread {
    /// The middle, and the bounds of the middle 80 %: `4.1 (2.9 to 6.0)`.
    fn text(self, decimals: usize) -> String {
        let Self { low, median, high } = self;
        format!("{median:.decimals$} ({low:.decimals$} to {high:.decimals$})")
    }
}

/// At most two decimals: `75.02 %`.
fn percent(share: f64) -> String {
    let digits = format!("{:.2}", share * 100.0);
    format!("{} %", digits.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_has_every_destinations_part_and_always_the_same_length() {
        for (shares, wanted) in [
            (&[1.0][..], "█".repeat(40)),
            (&[0.75, 0.25], "█".repeat(30) + &"░".repeat(10)),
            (&[0.0, 1.0], "░".repeat(40)),
            (&[0.001, 0.999], "░".repeat(40)),
        ] {
            assert_eq!(bar(shares), wanted, "{shares:?}");
        }
        assert_eq!(bar(&[1.0 / 7.0; 7]).chars().count(), 40);
    }

    #[test]
    fn percentages_have_at_most_two_decimals() {
        for (share, wanted) in [
            (0.75, "75 %"),
            (0.123_45, "12.35 %"),
            (0.0, "0 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(percent(share), wanted);
        }
    }
}
