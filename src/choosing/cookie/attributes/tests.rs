use super::*;
use crate::config::json::tests::read;

fn attributes(members: &str) -> Result<String, String> {
    let wire = read(&format!("{{{members}}}")).unwrap();
    let mut faults = Faults::at_most(9);
    let attributes = Attributes::from_wire(&wire, &mut faults);
    let lines: Vec<_> = faults
        .into_found()
        .iter()
        .map(ToString::to_string)
        .collect();
    match attributes {
        Some(Some(attributes)) if lines.is_empty() => Ok(attributes.text(false).concat()),
        Some(None) if lines.is_empty() => Ok("only read".to_owned()),
        _ => Err(lines.join("; ")),
    }
}

#[test]
fn istios_attributes_override_the_defaults() {
    for (members, text) in [
        (r#""name": "id""#, "only read"),
        (
            r#""name": "id", "ttl": "720h""#,
            "; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax",
        ),
        (
            r#""name": "id", "ttl": "0s", "path": "/a", "attributes": []"#,
            "; Path=/a; HttpOnly; SameSite=Lax",
        ),
        (
            r#""name": "id", "ttl": "0s", "attributes": [{"name": "samesite", "value": "strict"}]"#,
            "; Path=/; HttpOnly; SameSite=Strict",
        ),
        (
            r#""name": "id", "ttl": "0s", "attributes": [{"name": "SameSite", "value": "None"}]"#,
            "; Path=/; HttpOnly; SameSite=None; Secure",
        ),
        (
            r#""name": "id", "ttl": "1s", "attributes": [{"name": "Domain", "value": ".shop.example"}, {"name": "Secure"}]"#,
            "; Path=/; Max-Age=1; Domain=shop.example; HttpOnly; SameSite=Lax; Secure",
        ),
        (
            r#""name": "id", "ttl": "0s", "attributes": [{"name": "Partitioned"}, {"name": "HttpOnly", "value": "false"}]"#,
            "; Path=/; SameSite=Lax; Secure; Partitioned",
        ),
        (
            r#""name": "id", "ttl": "0s", "attributes": [{"name": "HTTPONLY", "value": ""}]"#,
            "; Path=/; HttpOnly; SameSite=Lax",
        ),
        (
            r#""name": "__Host-id", "ttl": "0s""#,
            "; Path=/; HttpOnly; SameSite=Lax; Secure",
        ),
        (
            r#""name": "__secure-id", "ttl": "0s", "path": "/a", "attributes": [{"name": "Domain", "value": "a.b"}]"#,
            "; Path=/a; Domain=a.b; HttpOnly; SameSite=Lax; Secure",
        ),
    ] {
        assert_eq!(attributes(members).as_deref(), Ok(text), "{members}");
    }
}

#[test]
fn secure_is_added_once_if_the_request_came_over_https() {
    for members in [
        r#""ttl": "0s""#,
        r#""ttl": "0s", "attributes": [{"name": "Secure"}]"#,
    ] {
        let wire = read(&format!("{{{members}}}")).unwrap();
        let attributes = Attributes::from_wire(&wire, &mut Faults::first());
        let text = attributes.unwrap().unwrap().text(true).concat();
        assert_eq!(text, "; Path=/; HttpOnly; SameSite=Lax; Secure");
    }
}

#[test]
fn attributes_that_a_browser_would_drop_or_the_filter_does_not_support_are_refused() {
    let attribute = |attribute: &str| {
        attributes(&format!(
            r#""name": "id", "ttl": "0s", "attributes": [{attribute}]"#
        ))
    };
    let value = "attributes[0].value: ";
    for (entry, line) in [
        (
            r#"{}"#,
            "attributes[0].name: is not one of SameSite, Secure, HttpOnly, Partitioned, Domain"
                .to_owned(),
        ),
        (
            r#"{"name": "Version"}"#,
            "attributes[0].name: is not one of SameSite, Secure, HttpOnly, Partitioned, Domain"
                .to_owned(),
        ),
        (
            r#"{"name": "Path", "value": "/"}"#,
            "attributes[0].name: is the field `path`".to_owned(),
        ),
        (
            r#"{"name": "max-age", "value": "1"}"#,
            "attributes[0].name: is the field `ttl`".to_owned(),
        ),
        (
            r#"{"name": "Expires"}"#,
            "attributes[0].name: is the field `ttl`".to_owned(),
        ),
        (
            r#"{"name": "SameSite"}"#,
            format!("{value}is not one of Strict, Lax, None"),
        ),
        (
            r#"{"name": "SameSite", "value": "x"}"#,
            format!("{value}is not one of Strict, Lax, None"),
        ),
        (
            r#"{"name": "Secure", "value": "false"}"#,
            format!("{value}does not belong to this attribute"),
        ),
        (
            r#"{"name": "HttpOnly", "value": "no"}"#,
            format!("{value}does not belong to this attribute"),
        ),
        (
            r#"{"name": "Domain"}"#,
            format!("{value}is not a host name"),
        ),
        (
            r#"{"name": "Domain", "value": "192.0.2.1"}"#,
            format!("{value}is not a host name"),
        ),
        (
            r#"{"name": "Domain", "value": "[2001:db8::1]"}"#,
            format!("{value}is not a host name"),
        ),
        (
            r#"{"name": "Domain", "value": "a;b"}"#,
            format!("{value}is not a host name"),
        ),
        (
            r#"{"name": "Domain", "value": "..a"}"#,
            format!("{value}is not a host name"),
        ),
        (
            r#"{"name": "Secure"}, {"name": "secure"}"#,
            "attributes[1].name: is given twice".to_owned(),
        ),
    ] {
        assert_eq!(attribute(entry).unwrap_err(), line, "{entry}");
    }
    for (members, line) in [
        (
            r#""name": "id", "attributes": []"#,
            "attributes: has no effect without `ttl`: the cookie is only read",
        ),
        (
            r#""name": "__Host-id", "ttl": "0s", "path": "/a""#,
            "path: is not possible for a cookie whose name begins with `__Host-`: browsers drop it",
        ),
        (
            r#""name": "__host-id", "ttl": "0s", "attributes": [{"name": "Domain", "value": "a.b"}]"#,
            "attributes: Domain is not possible for a cookie whose name begins with `__Host-`: browsers drop it",
        ),
    ] {
        assert_eq!(attributes(members).unwrap_err(), line, "{members}");
    }
}
