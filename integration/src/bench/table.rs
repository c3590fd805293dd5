//! The numbers as people read them, in Markdown.

use std::fmt::Write;
use std::fs;
use std::process::Command;

use super::rounds::{Column, xorshift};
use super::variants::{FLOOR, Variant};
use super::{Sizes, Trouble};
use crate::Binary;

/// What the numbers belong to: the machine and its load, Envoy, the module.
pub(super) fn machine(sizes: Sizes) -> Result<String, Trouble> {
    let info = fs::read_to_string("/proc/cpuinfo")?;
    let models: Vec<_> = info.lines().filter_map(|line| line.strip_prefix("model name")).collect();
    let model = models.first().and_then(|rest| rest.split_once(": ")).map_or("unknown", |(_, model)| model);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    let version = String::from_utf8(Command::new(Binary::Envoy.find()?).arg("--version").output()?.stdout)?;
    // `path  version: commit/1.40.0/Clean/RELEASE/BoringSSL`
    let version = version.rsplit('/').nth(3).unwrap_or("of unknown version");
    let size = fs::metadata(Binary::Plugin.find()?)?.len();
    Ok(format!(
        "{} x {model}, Linux {}, load {load} before; Envoy {version} with one worker; dist/plugin.wasm of {size} bytes; \
         {} rounds of {} requests to each",
        models.len(),
        kernel.trim(),
        sizes.rounds,
        sizes.requests,
    ))
}

/// One line for each variant: what it adds to the plain route's CPU time within a round.
pub(super) fn render(variants: &[Variant], columns: &[Column]) -> Result<String, Trouble> {
    let plain = &columns[0];
    let added: Vec<Vec<f64>> = columns.iter().map(|column| added(column, plain)).collect();
    let floor = variants.iter().position(|variant| variant.name == FLOOR).ok_or("the floor is missing")?;
    let mut text = "| Envoy's CPU time per request, µs | p10 | median | of the floor | spread | requests |\n\
                    | --- | ---: | ---: | ---: | ---: | ---: |\n"
        .to_owned();
    let [p10, median] = [0.1, 0.5].map(|part| quantile(&mut plain.micros.clone(), part));
    writeln!(text, "| plain route, all of it | {p10:.2} | {median:.2} | | | {} |", plain.tally.requests())?;
    for ((variant, column), this) in variants.iter().zip(columns).zip(&added).skip(1) {
        let [p10, median] = [0.1, 0.5].map(|part| quantile(&mut this.clone(), part));
        let mut ratios = resampled(this, &added[floor]);
        let [low, ratio, high] = [0.1, 0.5, 0.9].map(|part| quantile(&mut ratios, part));
        let (name, requests) = (&variant.name, column.tally.requests());
        writeln!(
            text,
            "| {name} | {p10:+.2} | {median:+.2} | {ratio:.2} | {low:.2} to {high:.2} | {requests} |"
        )?;
    }
    Ok(text)
}

fn added(column: &Column, plain: &Column) -> Vec<f64> {
    column.micros.iter().zip(&plain.micros).map(|(this, plain)| this - plain).collect()
}

/// The ratio of the medians, of many draws of rounds with replacement: how far the number can be trusted.
fn resampled(added: &[f64], floor: &[f64]) -> Vec<f64> {
    let mut random = 0x2545_F491_4F6C_DD1D;
    let mut ratio = || {
        let drawn: Vec<usize> = added.iter().map(|_| xorshift(&mut random) % added.len()).collect();
        let median = |of: &[f64]| quantile(&mut drawn.iter().map(|&at| of[at]).collect::<Vec<_>>(), 0.5);
        median(added) / median(floor)
    };
    (0..300).map(|_| ratio()).collect()
}

/// The value below which this part of the values lies, between two of them where it must.
pub(super) fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else { return f64::NAN };
    let position = part * last as f64;
    let (below, above) = (values[position.floor() as usize], values[position.ceil() as usize]);
    below + (above - below) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_between_its_neighbours() {
        let mut values = [4.0, 1.0, 3.0, 2.0];
        for (part, value) in [(0.0, 1.0), (0.5, 2.5), (0.1, 1.3), (1.0, 4.0)] {
            assert!((quantile(&mut values, part) - value).abs() < 1e-9, "{part}");
        }
        assert!(quantile(&mut [], 0.5).is_nan());
    }
}
