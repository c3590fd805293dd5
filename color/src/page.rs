//! The page: `page.html`, which loads nothing else, and its `{{placeholders}}`.

use std::borrow::Cow;

use crate::color::{Color, NEUTRAL};

const TEMPLATE: &str = include_str!("page.html");

/// The page for one request.
pub(crate) fn render(color: &Color, host: &str, requests: u64) -> String {
    fill(TEMPLATE, |placeholder| match placeholder {
        "color" => escaped(color.text()).into(),
        "css" => color.css().into(),
        "value" => escaped(&color.cookie_value()).into(),
        "icon" => color.url_component().into(),
        "length" => color.text().chars().count().to_string().into(),
        "neutral" => NEUTRAL.into(),
        "host" => escaped(host).into(),
        "requests" => requests.to_string().into(),
        _ => Cow::Borrowed(""),
    })
}

/// Replaces the placeholders in one pass, so that a placeholder's name inside a value stays text.
fn fill<'a>(template: &'a str, value: impl Fn(&'a str) -> Cow<'a, str>) -> String {
    let mut page = String::with_capacity(template.len() + 256);
    let mut rest = template;
    while let Some((before, from)) = rest.split_once("{{")
        && let Some((placeholder, after)) = from.split_once("}}")
    {
        page.push_str(before);
        page.push_str(&value(placeholder));
        rest = after;
    }
    page.push_str(rest);
    page
}

/// The text for HTML, between tags and in quoted attributes. Control characters have no useful meaning there and become a
/// visible replacement.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            control if control.is_control() => html.push(char::REPLACEMENT_CHARACTER),
            plain => html.push(plain),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn markup(page: &str) -> Vec<char> {
        page.chars().filter(|c| "<>\"'&".contains(*c)).collect()
    }

    #[test]
    fn the_page_shows_the_version_that_answered() {
        let page = render(&Color::new("blue"), "pod-1", 42);
        assert!(page.contains("<title>Color: blue</title>"));
        assert!(page.contains("background-color:blue"));
        assert!(page.contains("pod-1"));
        assert!(page.contains("42"));
    }

    #[test]
    fn every_placeholder_has_a_value() {
        let page = render(&Color::new("blue"), "host", 1);
        assert!(!page.contains("{{") && !page.contains("}}"));
        fill(TEMPLATE, |placeholder| {
            let known = [
                "color", "css", "value", "icon", "length", "neutral", "host", "requests",
            ];
            assert!(known.contains(&placeholder), "{placeholder}");
            Cow::Borrowed("")
        });
    }

    /// A browser without scripts shows no decision, and neither does a page that was not reached through the filter.
    #[test]
    fn the_decision_is_hidden_until_the_script_has_read_it() {
        let page = render(&Color::new("blue"), "host", 1);
        let rows: Vec<_> = page
            .lines()
            .filter(|line| line.contains("data-field="))
            .collect();
        assert_eq!(rows.len(), 3);
        assert!(
            rows.iter()
                .all(|row| row.trim_start().starts_with("<div hidden>")),
            "{rows:?}"
        );
        for part in [
            "fetch(location.href, {method: 'HEAD', cache: 'no-store'})",
            "get('x-canary')",
            "get('x-color')",
        ] {
            assert!(page.contains(part), "{part}");
        }
    }

    #[test]
    fn the_page_has_the_same_colour_as_the_header() {
        for text in ["blue", "rgb(0 0 255 / 50%)", "a\"b<c&d'e"] {
            let color = Color::new(text);
            let attribute = format!("data-color=\"{}\"", escaped(&color.cookie_value()));
            assert!(
                render(&color, "host", 1).contains(&attribute),
                "{attribute}"
            );
        }
    }

    /// `background` and custom properties accept `url(…)`, but `background-color` does not.
    #[test]
    fn the_colour_reaches_css_only_as_a_colour() {
        for (at, _) in TEMPLATE.match_indices("{{css}}") {
            let before = &TEMPLATE[..at];
            let colour = ["background-color:", "theme-color\" content=\""];
            assert!(colour.iter().any(|end| before.ends_with(end)), "{before}");
        }
    }

    #[test]
    fn the_page_loads_nothing_from_elsewhere() {
        for loading in ["http:", "https:", "//", "@import", "url(", "src="] {
            let page = TEMPLATE.replace("http://www.w3.org/2000/svg", "");
            assert!(!page.contains(loading), "{loading}");
        }
    }

    #[test]
    fn hostile_text_is_shown_and_not_interpreted() {
        let page = render(&Color::new("\"><script>alert(1)</script>"), "a&b'<i>", 1);
        assert!(page.contains("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(page.contains("a&amp;b&#39;&lt;i&gt;"));
        assert!(!page.contains("<script>alert"));
        assert!(page.contains(&format!("background-color:{NEUTRAL}")));
    }

    #[test]
    fn a_placeholder_in_a_value_stays_text() {
        let page = render(&Color::new("{{host}}"), "secret", 1);
        assert!(page.contains("<title>Color: {{host}}</title>"));
    }

    proptest! {
        #[test]
        fn no_text_adds_markup_to_the_page(
            text in "(?s).{0,128}|[<>\"'&;/{}a-z]{0,40}",
            host in "(?s).{0,40}|[<>\"'&;/{}a-z]{0,40}",
        ) {
            let entities = escaped(&text) + &escaped(&host);
            prop_assert!(!entities.contains(['<', '>', '"', '\'']));
            prop_assert!(!entities.contains(char::is_control));
            let strict = |page: String| {
                markup(&page).into_iter().filter(|c| *c != '&').collect::<Vec<_>>()
            };
            prop_assert_eq!(
                strict(render(&Color::new(&text), &host, 1)),
                strict(render(&Color::new("blue"), "host", 1))
            );
        }
    }
}
