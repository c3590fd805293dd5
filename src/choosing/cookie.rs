//! Cookies, by RFC 6265: one value out of a `Cookie` header, and a `Set-Cookie` that issues a new one.

use std::time::Duration;

use crate::choosing::decision::Issued;
use crate::config::duration;
use crate::config::header_name::is_token;
use crate::config::invalid::{Faults, InvalidConfig};
use crate::config::wire;

/// A cookie that holds the key of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cookie {
    name: Box<str>,
    /// The attributes of a cookie that is issued; without them a cookie is only read.
    attributes: Option<Box<str>>,
}

impl Cookie {
    pub(crate) fn from_wire(wire: &wire::HttpCookie, faults: &mut Faults) -> Option<Self> {
        let name = faults.keep(name(wire.name.as_deref()).map_err(|fault| fault.at("name")));
        let path = faults.keep(path(wire.path.as_deref()).map_err(|fault| fault.at("path")));
        let Some(ttl) = wire.ttl.as_deref() else {
            if wire.path.is_some() {
                let reason = "has no effect without `ttl`: the cookie is only read";
                faults.report(InvalidConfig::new(reason).at("path"));
                return None;
            }
            return Some(Self {
                name: name?,
                attributes: None,
            });
        };
        let ttl = duration::parse(ttl).ok_or_else(|| {
            InvalidConfig::new(format!("`{ttl}` is not a valid duration, such as 720h")).at("ttl")
        });
        let ttl = faults.keep(ttl);
        let attributes = attributes(path?, ttl?);
        Some(Self {
            name: name?,
            attributes: Some(attributes.into()),
        })
    }

    /// Whether a request without this cookie is given one.
    pub(crate) fn is_issued(&self) -> bool {
        self.attributes.is_some()
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The first value of this name in a `Cookie` header.
    pub(crate) fn read<'h>(&self, header: &'h [u8]) -> Option<&'h [u8]> {
        header.split(|b| *b == b';').find_map(|pair| {
            let equals = pair.iter().position(|b| *b == b'=')?;
            let (name, value) = pair.split_at_checked(equals)?;
            (name.trim_ascii() == self.name.as_bytes())
                .then(|| unquoted(value.get(1..).unwrap_or_default().trim_ascii()))
        })
    }

    /// The value of a `Set-Cookie` header that issues this key.
    pub(crate) fn issue(&self, issued: Issued) -> Option<String> {
        let attributes = self.attributes.as_deref()?;
        let key = issued.key();
        let key = str::from_utf8(&key).unwrap_or_default();
        let secure = if issued.is_secure() { "; Secure" } else { "" };
        Some([&*self.name, "=", key, attributes, secure].concat())
    }
}

fn name(name: Option<&str>) -> Result<Box<str>, InvalidConfig> {
    let name = name.ok_or_else(|| InvalidConfig::new("is required"))?;
    if !is_token(name) || name.len() > 128 {
        return Err(InvalidConfig::new("is not a valid cookie name"));
    }
    Ok(name.into())
}

fn path(path: Option<&str>) -> Result<&str, InvalidConfig> {
    let path = path.unwrap_or("/");
    let path_octet = |b: u8| (b' '..=b'~').contains(&b) && b != b';';
    if !path.starts_with('/') || !path.bytes().all(path_octet) || path.len() > 1024 {
        return Err(InvalidConfig::new(
            "is not a valid cookie path: it begins with `/` and holds visible ASCII without `;`",
        ));
    }
    Ok(path)
}

/// The cookie's life is in whole seconds; `0s` is a session cookie, which has no `Max-Age`.
fn attributes(path: &str, ttl: Duration) -> String {
    let seconds = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
    let max_age = if seconds == 0 {
        String::new()
    } else {
        format!("; Max-Age={seconds}")
    };
    format!("; Path={path}{max_age}; HttpOnly; SameSite=Lax")
}

/// RFC 6265, 4.1.1: the value may stand in double quotes.
fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inner @ .., b'"'] => inner,
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cookie(name: &str, path: Option<&str>, ttl: Option<&str>) -> Result<Cookie, String> {
        let wire = wire::HttpCookie {
            name: Some(name.into()),
            path: path.map(str::to_owned),
            ttl: ttl.map(str::to_owned),
        };
        let mut faults = Faults::at_most(9);
        let cookie = Cookie::from_wire(&wire, &mut faults);
        let lines: Vec<_> = faults
            .into_found()
            .iter()
            .map(ToString::to_string)
            .collect();
        cookie.ok_or_else(|| lines.join("; "))
    }

    #[test]
    fn the_first_cookie_of_the_name_is_read() {
        let cookie = cookie("id", None, None).unwrap();
        for (header, value) in [
            ("id=a", Some("a")),
            ("x=1; id=a; y=2", Some("a")),
            ("x=1;id=a;y=2", Some("a")),
            ("id=a; id=b", Some("a")),
            ("id=\"a\"", Some("a")),
            ("id=\"", Some("\"")),
            ("id=", Some("")),
            ("id=a=b", Some("a=b")),
            (" id = a ", Some("a")),
            ("ID=a", None),
            ("xid=a", None),
            ("id", None),
            ("", None),
            (";;=;id=a", Some("a")),
            ("id2=a; id=b", Some("b")),
            ("id=\"\"", Some("")),
            ("id=\"a", Some("\"a")),
            ("id=\"a;b\"", Some("\"a")),
            ("id=\"a b\"", Some("a b")),
            ("\tid\t=\ta\t; x", Some("a")),
            ("id; id=a", Some("a")),
            ("id=; id=a", Some("")),
            ("$Version=1; id=a; $Path=/", Some("a")),
            ("id=é", Some("é")),
            ("\0\x01=\x7f; id=a", Some("a")),
            ("id,x=1; id=a", Some("a")),
            ("x=\"; id=a\"", Some("a\"")),
            ("=id=a", None),
            ("id:a", None),
        ] {
            assert_eq!(
                cookie.read(header.as_bytes()),
                value.map(str::as_bytes),
                "{header}"
            );
        }
    }

    #[test]
    fn a_cookie_is_issued_with_its_attributes() {
        for (path, ttl, secure, header) in [
            (
                None,
                "720h",
                false,
                "id=k; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax",
            ),
            (
                Some("/color"),
                "1500ms",
                true,
                "id=k; Path=/color; Max-Age=2; HttpOnly; SameSite=Lax; Secure",
            ),
            (None, "0s", false, "id=k; Path=/; HttpOnly; SameSite=Lax"),
        ] {
            let cookie = cookie("id", path, Some(ttl)).unwrap();
            let key = format!("={:032x};", 0xabc);
            let issued = cookie.issue(Issued::new(0xabc, secure));
            assert_eq!(issued.unwrap().replace(&key, "=k;"), header);
        }
        assert_eq!(
            cookie("id", None, None)
                .unwrap()
                .issue(Issued::new(1, true)),
            None,
            "without ttl it is only read"
        );
    }

    #[test]
    fn what_would_break_the_header_is_refused() {
        for (name, path, ttl, fault) in [
            ("", None, None, "name: is not a valid cookie name"),
            ("a b", None, None, "name: is not a valid cookie name"),
            ("a;b", None, None, "name: is not a valid cookie name"),
            ("a=b", None, None, "name: is not a valid cookie name"),
            ("a\r\nb", None, None, "name: is not a valid cookie name"),
            (
                "id",
                Some(""),
                Some("1h"),
                "path: is not a valid cookie path",
            ),
            (
                "id",
                Some("color"),
                Some("1h"),
                "path: is not a valid cookie path",
            ),
            (
                "id",
                Some("/a;b"),
                Some("1h"),
                "path: is not a valid cookie path",
            ),
            (
                "id",
                Some("/a\nb"),
                Some("1h"),
                "path: is not a valid cookie path",
            ),
            (
                "id",
                Some("/é"),
                Some("1h"),
                "path: is not a valid cookie path",
            ),
            ("id", Some("/a"), None, "path: has no effect without `ttl`"),
            (
                "id",
                None,
                Some("-1s"),
                "ttl: `-1s` is not a valid duration",
            ),
            (
                "id",
                None,
                Some("720"),
                "ttl: `720` is not a valid duration",
            ),
        ] {
            let line = cookie(name, path, ttl).unwrap_err();
            assert!(line.starts_with(fault), "{line}");
        }
        let (name, path) = ("n".repeat(128), format!("/{}", "p".repeat(1023)));
        assert!(cookie(&name, Some(&path), Some("1h")).is_ok());
        assert!(cookie(&format!("{name}n"), None, None).is_err());
        assert!(cookie("id", Some(&format!("{path}p")), Some("1h")).is_err());
    }

    proptest! {
        #[test]
        fn what_is_issued_is_read_back(key in any::<u128>(), before in "([a-z]{1,3}=[ -:<-~]{0,5}; ){0,3}") {
            let cookie = cookie("canary-id", None, Some("1h")).unwrap();
            let issued = cookie.issue(Issued::new(key, false)).unwrap();
            let digits = format!("{key:032x}");
            let header = format!("{before}{}", issued.split(';').next().unwrap());
            prop_assert_eq!(cookie.read(header.as_bytes()), Some(digits.as_bytes()));
        }

        #[test]
        fn any_bytes_are_read_without_a_crash(header in prop::collection::vec(prop::sample::select(&b"id=; \"\xff\0a"[..]), 0..40)) {
            if let Some(value) = cookie("id", None, None).unwrap().read(&header) {
                prop_assert!(value.len() <= header.len());
            }
        }
    }
}
