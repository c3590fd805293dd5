//! Recognizes a file that is a template (Helm, Jinja, `envsubst`): before it is rendered, it is rarely valid YAML or JSON.

use crate::fault::Fault;

/// What begins and ends a placeholder. After those that begin with `$`, a name has to follow.
const PLACEHOLDERS: [(&str, &str); 6] = [
    ("{{", "}}"),
    ("{%", "%}"),
    ("{#", "#}"),
    ("<%", "%>"),
    ("${", "}"),
    ("$(", ")"),
];

/// The longest placeholder that a message shows, in characters.
const LONGEST: usize = 60;

/// Which lines of the file may be the reason for a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    /// The syntax is broken, which a reader often notices only later.
    All,
    /// A value is wrong: the one on the line of the fault.
    OfTheFault,
}

/// Adds to a fault that the file looks like a template, if one of the lines does.
pub(crate) fn hint(fault: Fault, file: &str, lines: Lines) -> Fault {
    let concerns = |number| lines == Lines::All || fault.line() == Some(number);
    let found = (1..)
        .zip(file.lines())
        .filter(|(number, line)| concerns(*number) && !line.trim_start().starts_with('#'))
        .find_map(|(number, line)| Some((number, placeholder(line)?)));
    match found {
        Some((number, placeholder)) => fault.and(format!(
            "the file looks like a template (it contains `{placeholder}` on line {number}), which has to be rendered first"
        )),
        None => fault,
    }
}

fn placeholder(line: &str) -> Option<String> {
    let braced = PLACEHOLDERS.iter().find_map(|(start, end)| {
        let at = line.find(start)?;
        let (_, rest) = line.split_at_checked(at)?;
        let inside = rest.strip_prefix(start)?;
        if start.starts_with('$')
            && !inside.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        {
            return None;
        }
        let length = inside
            .find(end)
            .map(|length| start.len() + length + end.len());
        rest.get(..length.unwrap_or(rest.len()))
    });
    let found = braced.or_else(|| variable(line))?;
    Some(found.trim_end().chars().take(LONGEST).collect())
}

/// `$NAME` in capitals; a `$` at the end of a regex has nothing like it after it.
fn variable(line: &str) -> Option<&str> {
    line.match_indices('$').find_map(|(at, _)| {
        let rest = line.get(at..)?;
        let name = rest.get(1..)?;
        let length = name
            .find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
            .unwrap_or(name.len());
        let is_name = length > 1 && !name.starts_with(|c: char| c.is_ascii_digit());
        is_name.then(|| rest.get(..=length))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_of_the_usual_template_languages_are_recognized() {
        for (line, found) in [
            ("  weight: {{ .Values.blue }}", Some("{{ .Values.blue }}")),
            ("{{- if .Values.canary", Some("{{- if .Values.canary")),
            ("{% for v in versions %}", Some("{% for v in versions %}")),
            ("{# weights #}", Some("{# weights #}")),
            ("weight: <%= blue %>", Some("<%= blue %>")),
            ("\"weight\": ${BLUE:-75},", Some("${BLUE:-75}")),
            ("weight: $(blue)", Some("$(blue)")),
            ("\"weight\": $BLUE,", Some("$BLUE")),
            ("regex: ^/a$", None),
            ("regex: (a|$){2}", None),
            ("regex: a${2}", None),
            ("{\"http\": [{\"match\": []}]}", None),
            ("price: 5 $", None),
        ] {
            assert_eq!(placeholder(line).as_deref(), found, "{line}");
        }
    }

    #[test]
    fn a_wrong_value_is_a_template_s_only_if_its_own_line_has_a_placeholder() {
        let file = "a: $BLUE\n# $COMMENT\nb: 1\n";
        let shown = |lines, line| {
            let fault = Fault::at(crate::fault::Place { line, column: 1 }, "wrong");
            hint(fault, file, lines).to_string()
        };
        let hinted = "wrong; the file looks like a template (it contains `$BLUE` on line 1), which has to be rendered first";
        assert_eq!(shown(Lines::All, 3), hinted);
        assert_eq!(shown(Lines::OfTheFault, 1), hinted);
        assert_eq!(shown(Lines::OfTheFault, 3), "wrong");
        assert_eq!(shown(Lines::OfTheFault, 2), "wrong");
    }
}
