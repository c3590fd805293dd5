//! `/color/wall`. What the page does in a browser is tested in `integration/tests/envoy/wall.rs`.

use crate::support::Running;

#[test]
fn the_wall_is_one_page_that_is_the_same_from_every_version() {
    let pages = ["blue", "green"].map(|color| Running::start(color).ask("GET /color/wall", &[]));
    for page in &pages {
        page.assert_page();
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(page.header("set-cookie"), None);
        let policy = page.header("content-security-policy").unwrap();
        for rule in [
            "default-src 'none'",
            "connect-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(rule), "{policy}");
        }
    }
    assert_eq!(pages[0].body, pages[1].body);
}

#[test]
fn the_page_links_to_the_wall() {
    let color = Running::start("blue");
    assert!(
        color
            .ask("GET /", &[])
            .body
            .contains(r#"href="/color/wall""#)
    );
}

#[test]
fn the_wall_is_not_counted() {
    let color = Running::start("blue");
    color.ask("GET /color/wall", &[]);
    let answer = color.ask("GET /", &["accept: application/json"]);
    assert!(answer.body.contains("\"requests\":1"), "{}", answer.body);
}
