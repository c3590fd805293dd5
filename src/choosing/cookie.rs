//! Cookies (RFC 6265): reads one value from a `Cookie` header, and writes the `Set-Cookie` header that issues a new one.

mod attributes;

use crate::choosing::cookie::attributes::Attributes;
use crate::choosing::decision::Issued;
use crate::config::header_name::is_token;
use crate::config::invalid::{Faults, InvalidConfig};
use crate::config::wire;

/// A cookie that holds the key of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cookie {
    name: Box<str>,
    /// The attributes of a cookie that the filter issues. Without them, the filter only reads the cookie.
    attributes: Option<Attributes>,
}

impl Cookie {
    pub(crate) fn from_wire(wire: &wire::HttpCookie, faults: &mut Faults) -> Option<Self> {
        let name = faults.keep(name(wire.name.as_deref()).map_err(|fault| fault.at("name")));
        let attributes = Attributes::from_wire(wire, faults);
        Some(Self {
            name: name?,
            attributes: attributes?,
        })
    }

    /// Whether the filter issues this cookie if a request does not have it.
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
        let [attributes, secure] = self.attributes.as_ref()?.text(issued.is_secure());
        let key = issued.key();
        let key = str::from_utf8(&key).unwrap_or_default();
        Some([&*self.name, "=", key, attributes, secure].concat())
    }

    /// The value of a `Cookie` header that carries this key before the request's own cookies. These may include an empty
    /// cookie of the same name, and the first cookie of a name counts.
    pub(crate) fn carried<'h>(
        &self,
        issued: Issued,
        own: impl Iterator<Item = &'h [u8]>,
    ) -> Vec<u8> {
        let mut header = [self.name.as_bytes(), b"=", &issued.key()].concat();
        for line in own {
            header.extend_from_slice(b"; ");
            header.extend_from_slice(line);
        }
        header
    }

    /// Whether a `Set-Cookie` header sets a cookie of this name.
    pub(crate) fn is_set_by(&self, set_cookie: &[u8]) -> bool {
        let mut parts = set_cookie.split(|b| matches!(b, b'=' | b';'));
        let name = parts.next().unwrap_or_default();
        name.trim_ascii() == self.name.as_bytes()
    }
}

fn name(name: Option<&str>) -> Result<Box<str>, InvalidConfig> {
    let name = name.ok_or_else(|| InvalidConfig::new("is required"))?;
    if !is_token(name) || name.len() > 128 {
        return Err(InvalidConfig::new("is not a valid cookie name"));
    }
    Ok(name.into())
}

/// RFC 6265, 4.1.1: the value may be enclosed in double quotes.
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
            attributes: None,
        };
        let mut faults = Faults::at_most(9);
        let cookie = Cookie::from_wire(&wire, &mut faults);
        let lines: Vec<_> = faults
            .into_found()
            .iter()
            .map(ToString::to_string)
            .collect();
        cookie
            .filter(|_| lines.is_empty())
            .ok_or_else(|| lines.join("; "))
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
            "a cookie without a ttl is only read"
        );
    }

    #[test]
    fn an_issued_key_precedes_the_requests_own_cookies() {
        let cookie = cookie("id", None, Some("1h")).unwrap();
        let issued = Issued::new(0xabc, false);
        let key = format!("id={:032x}", 0xabc);
        for (own, header) in [
            (&[][..], key.clone()),
            (&["a=b"], format!("{key}; a=b")),
            (&["a=b; id=", "c=d"], format!("{key}; a=b; id=; c=d")),
        ] {
            let own = own.iter().map(|line| line.as_bytes());
            let carried = cookie.carried(issued, own);
            assert_eq!(carried, header.as_bytes());
            assert_eq!(cookie.read(&carried), Some(issued.key().as_slice()));
        }
    }

    #[test]
    fn a_set_cookie_header_of_the_same_name_is_recognized() {
        let cookie = cookie("id", None, Some("1h")).unwrap();
        for (set_cookie, is_set) in [
            ("id=a", true),
            ("id=a; Path=/", true),
            (" id = a", true),
            ("id", true),
            ("id=", true),
            ("id; Path=/", true),
            ("ID=a", false),
            ("id2=a", false),
            ("x=id=a", false),
            ("x; id=a", false),
            ("", false),
        ] {
            assert_eq!(
                cookie.is_set_by(set_cookie.as_bytes()),
                is_set,
                "{set_cookie}"
            );
        }
    }

    #[test]
    fn values_that_would_break_the_header_are_refused() {
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
        fn an_issued_cookie_is_read_back(key in any::<u128>(), before in "([a-z]{1,3}=[ -:<-~]{0,5}; ){0,3}") {
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
