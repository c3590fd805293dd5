//! The results as tables in Markdown.

use std::fmt::Write;

use crate::Trouble;
use crate::policies::MANY;
use crate::rounds::{Column, xorshift};
use crate::variant::{Form, Variant};
use crate::variants::{FLOOR, SHIPPED, row};

/// One line for each variant: the CPU time that it adds to the plain route. The median is the median of the differences
/// within each round; p10 compares the least disturbed slices of both.
pub(crate) fn render(variants: &[Variant], columns: &[Column]) -> Result<String, Trouble> {
    let plain = &columns[0];
    let floor = variants
        .iter()
        .position(|variant| variant.name == FLOOR)
        .ok_or("the floor is missing")?;
    let mut text =
        "| Envoy's CPU time per request, µs | p10 | median | of the floor: p10 | median | spread of both | \
                    requests |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n"
            .to_owned();
    let [p10, median] = [0.1, 0.5].map(|part| quantile(&mut plain.micros.clone(), part));
    writeln!(
        text,
        "| plain route, all of it | {p10:.2} | {median:.2} | | | | {} |",
        plain.tally.requests()
    )?;
    let spread = |ratios: &mut Vec<f64>| {
        let [low, high] = [0.1, 0.9].map(|part| quantile(ratios, part));
        format!("{low:.2} to {high:.2}")
    };
    let every: Vec<usize> = (0..plain.micros.len()).collect();
    for (variant, column) in variants.iter().zip(columns).skip(1) {
        let [p10, median] = added(&column.micros, &plain.micros, &every);
        let mut ratios = resampled(&column.micros, &columns[floor].micros, &plain.micros);
        let [by_p10, by_median] = [0, 1].map(|at| quantile(&mut ratios[at].clone(), 0.5));
        let spread = ratios.each_mut().map(spread).join(", ");
        let (name, requests) = (&variant.name, column.tally.requests());
        writeln!(
            text,
            "| {name} | {p10:+.2} | {median:+.2} | {by_p10:.2} | {by_median:.2} | {spread} | {requests} |"
        )?;
    }
    for build in [
        SHIPPED,
        Form::Filter.name(),
        Form::Specifier.name(),
        Form::Both.name(),
    ] {
        let of = |count| {
            let column = variants.iter().zip(columns);
            let mut column = column.filter(|(variant, _)| variant.name == row(build, count));
            column.next().map(|(_, column)| &column.micros)
        };
        if let (Some(one), Some(many)) = (of(1), of(MANY)) {
            let mut ratios = resampled(many, one, &plain.micros);
            let [p10, median] = ratios
                .each_mut()
                .map(|ratios| format!("{:.2} ({})", quantile(ratios, 0.5), spread(ratios)));
            writeln!(
                text,
                "\n{build}: {MANY} rules add this much of what 1 rule adds: p10 {p10}, median {median}."
            )?;
        }
    }
    Ok(text)
}

/// The CPU time that a variant adds in the drawn rounds: p10 and median.
fn added(this: &[f64], plain: &[f64], drawn: &[usize]) -> [f64; 2] {
    let of = |values: &[f64], part| {
        quantile(
            &mut drawn.iter().map(|&at| values[at]).collect::<Vec<_>>(),
            part,
        )
    };
    let mut differences: Vec<f64> = drawn.iter().map(|&at| this[at] - plain[at]).collect();
    [
        of(this, 0.1) - of(plain, 0.1),
        quantile(&mut differences, 0.5),
    ]
}

/// The ratios to the floor in many samples of the rounds, drawn with replacement (a bootstrap): their spread shows how
/// reliable the numbers are.
fn resampled(this: &[f64], floor: &[f64], plain: &[f64]) -> [Vec<f64>; 2] {
    let mut random = 0x2545_F491_4F6C_DD1D;
    let mut ratios = [Vec::new(), Vec::new()];
    for _ in 0..300 {
        let drawn: Vec<usize> = plain
            .iter()
            .map(|_| xorshift(&mut random) % plain.len())
            .collect();
        let (this, floor) = (added(this, plain, &drawn), added(floor, plain, &drawn));
        for (ratios, (this, floor)) in ratios.iter_mut().zip(this.into_iter().zip(floor)) {
            ratios.push(this / floor);
        }
    }
    ratios
}

/// The quantile of the values, interpolated linearly between neighbours.
pub(crate) fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else {
        return f64::NAN;
    };
    let position = part * last as f64;
    let (below, above) = (
        values[position.floor() as usize],
        values[position.ceil() as usize],
    );
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
