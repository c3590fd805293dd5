//! What may have been meant where the filter refuses something.

use strsim::damerau_levenshtein;

/// How many letters of a name may be wrong, missing or too many.
const MOST_TYPOS: usize = 2;

/// A hint for one of the filter's reasons.
pub(super) fn of_reason(reason: &str) -> Option<String> {
    if let Some(rest) = reason.strip_prefix("unknown field `") {
        let (field, rest) = rest.split_once('`')?;
        let known = rest.split('`').skip(1).step_by(2);
        return Some(format!("did you mean `{}`?", nearest(field, known)?));
    }
    let is_quoted = reason.starts_with("invalid type: string \"")
        && [
            "expected a whole number",
            "expected a number",
            "expected a boolean",
        ]
        .iter()
        .any(|end| reason.ends_with(end));
    is_quoted.then(|| "write it without quotes".to_owned())
}

/// The name that differs least, if it does not differ much.
fn nearest<'n>(field: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let field = field.to_lowercase();
    let typos = |name: &str| damerau_levenshtein(&field, &name.to_lowercase());
    known
        .map(|name| (typos(name), name))
        .filter(|(typos, name)| *typos <= MOST_TYPOS && *typos < name.len() / 2)
        .min_by_key(|(typos, _)| *typos)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_field_has_a_hint_and_a_foreign_one_has_none() {
        let reason = |field: &str| {
            of_reason(&format!(
                "unknown field `{field}`, expected one of `http`, `clusterHeader`, `weight`"
            ))
        };
        for (field, meant) in [
            ("clusterheader", "clusterHeader"),
            ("wieght", "weight"),
            ("weigth", "weight"),
            ("weights", "weight"),
        ] {
            assert_eq!(
                reason(field),
                Some(format!("did you mean `{meant}`?")),
                "{field}"
            );
        }
        for field in ["x", "", "uri", "selector"] {
            assert_eq!(reason(field), None, "{field}");
        }
    }

    #[test]
    fn a_number_in_quotes_has_a_hint() {
        for (reason, has_one) in [
            ("invalid type: string \"25\", expected a whole number", true),
            ("invalid type: string \"yes\", expected a boolean", true),
            ("invalid type: string \"/color\", expected an object", false),
            ("invalid type: integer `80`, expected an object", false),
        ] {
            assert_eq!(of_reason(reason).is_some(), has_one, "{reason}");
        }
    }
}
