//! The CPU time per request that each variant adds to a plain route.

use crate::load::Tally;
use crate::rounds::{self, Column};
use crate::server::Server;
use crate::variant::Variant;
use crate::{Sizes, Trouble, table, variants};

/// Measures all variants. Returns the table.
pub(crate) fn measure(sizes: Sizes) -> Result<String, Trouble> {
    let variants = variants::all()?;
    let mut measured = vec![Column::default(); variants.len()];
    for number in 1..=sizes.servers {
        let server = Server::start(&variants)?;
        for variant in &variants {
            let tally = server.load(variant)?.send(sizes.warm_up)?;
            check(variant, tally)?;
            if number == 1 {
                eprintln!(
                    "{}: {} to blue, {} to green",
                    variant.name, tally.blue, tally.green
                );
            }
        }
        rounds::measure(&server, &variants, sizes, &mut measured)?;
        eprint!("\rEnvoys: {number} of {}", sizes.servers);
    }
    eprintln!();
    for (variant, column) in variants.iter().zip(&measured) {
        check(variant, column.tally)?;
    }
    Ok(format!(
        "One worker; {} rounds of {} requests to each, in {} Envoys one after the other:\n\n{}",
        sizes.servers * sizes.rounds,
        sizes.requests,
        sizes.servers,
        table::render(&variants, &measured)?
    ))
}

/// Checks that three quarters went to blue, within five standard deviations.
fn check(variant: &Variant, tally: Tally) -> Result<(), Trouble> {
    let blue = if variant.splits { 0.75 } else { 1.0 };
    let requests = tally.requests() as f64;
    let tolerance = 5.0 * (requests * blue * (1.0 - blue)).sqrt();
    if (tally.blue as f64 - requests * blue).abs() <= tolerance {
        return Ok(());
    }
    Err(format!(
        "{}: {} to blue and {} to green",
        variant.name, tally.blue, tally.green
    )
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_accepted_within_five_standard_deviations() {
        let variant = |splits| Variant {
            splits,
            ..Variant::plain()
        };
        for (splits, blue, green, fine) in [
            (true, 7500, 2500, true),
            (true, 7700, 2300, true),
            (true, 7720, 2280, false),
            (true, 2500, 7500, false),
            (false, 10000, 0, true),
            (false, 9999, 1, false),
        ] {
            assert_eq!(
                check(&variant(splits), Tally { blue, green }).is_ok(),
                fine,
                "{blue} {green}"
            );
        }
    }
}
