//! Files that have to be rendered before anything can read them.

use crate::fault::Fault;

/// The fault, with the reason behind it if its line is part of a template. A line that is not known may be any.
pub(crate) fn explained(fault: Fault, text: &str) -> Fault {
    let line = match fault.position() {
        Some(position) => text
            .lines()
            .nth(position.line.saturating_sub(1))
            .and_then(kind),
        None => None,
    };
    // A template breaks YAML in places that are far from it, but only if it is one of blocks or of expressions.
    let broken = fault
        .is_syntax()
        .then(|| text.lines().find_map(kind))
        .flatten();
    match line.or(broken) {
        Some(kind) => fault.because(&format!(
            "looks like a template (it contains {kind}), which has to be rendered first"
        )),
        None => fault,
    }
}

/// What a line contains of a template's own syntax, outside of comments.
fn kind(line: &str) -> Option<&'static str> {
    let line = line.trim_start();
    if line.starts_with('#') {
        None
    } else if line.contains("{{") {
        Some("`{{ … }}`, as in Helm charts and Jinja")
    } else if line.contains("{%") {
        Some("`{% … %}`, as in Jinja")
    } else if has_variable(line) {
        Some("`${…}`, a variable")
    } else {
        None
    }
}

fn has_variable(line: &str) -> bool {
    line.match_indices("${").any(|(at, _)| {
        let name = line.get(at + 2..).unwrap_or_default();
        let end = name.find(['}', ':', '-']).unwrap_or(0);
        let name = name.get(..end).unwrap_or_default();
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_syntax_of_templates_is_known() {
        for (line, is) in [
            ("weight: {{ .Values.blue }}", true),
            ("  {{- if .Values.canary }}", true),
            ("{% if canary %}", true),
            ("weight: ${BLUE}", true),
            ("weight: ${BLUE:-75}", true),
            ("# {{ a comment }}", false),
            ("regex: /a${", false),
            ("regex: '/a${}'", false),
            ("weight: 75", false),
        ] {
            assert_eq!(kind(line).is_some(), is, "{line}");
        }
    }
}
