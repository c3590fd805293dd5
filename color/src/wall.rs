//! The wall: one page that asks for `/color` again and again and shows every answer, so that a canary can be watched and
//! broken. The page is the same from every version.

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::header::{REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::response::IntoResponse;

/// Markup, style and scripts in one text, because the page must load nothing else.
const PAGE: &str = concat!(
    include_str!("wall/head.html"),
    "<style>\n",
    include_str!("wall/wall.css"),
    "</style>\n",
    include_str!("wall/body.html"),
    "<script>\n",
    include_str!("wall/model.js"),
    include_str!("wall/shares.js"),
    include_str!("wall/view.js"),
    include_str!("wall/cards.js"),
    include_str!("wall/timeline.js"),
    include_str!("wall/main.js"),
    "</script>\n</body>\n</html>\n",
);

/// The page may ask its own origin and load nothing. No other page may frame it, so that nobody is led to click into it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) async fn show() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_at_most_60_kilobytes() {
        assert!(PAGE.len() <= 60_000, "{} bytes", PAGE.len());
    }

    #[test]
    fn the_page_loads_nothing_from_elsewhere() {
        let page = PAGE.replace("http://www.w3.org/2000/svg", "");
        for loading in ["http:", "https:", "@import", "url(", "src=", "import("] {
            assert!(!page.contains(loading), "{loading}");
        }
    }

    /// A version's name comes from an answer's headers.
    #[test]
    fn no_text_becomes_markup() {
        for way in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ] {
            assert!(!PAGE.contains(way), "{way}");
        }
    }

    #[test]
    fn the_script_ends_where_the_page_ends() {
        assert_eq!(PAGE.matches("</script").count(), 1);
        assert_eq!(PAGE.matches("</style").count(), 1);
    }
}
