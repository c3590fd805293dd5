//! The attributes of a cookie that the filter issues, from `path`, `ttl` and Istio's list `attributes`.

use std::time::Duration;

use crate::config::duration;
use crate::config::invalid::{Faults, InvalidConfig};
use crate::config::names::is_host;
use crate::config::wire;

/// What follows the value in `Set-Cookie`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attributes {
    text: Box<str>,
    /// Whether the text has `Secure`, whatever the scheme of the request is.
    secure: bool,
}

/// The entries of `attributes`.
#[derive(Default)]
struct Listed {
    same_site: Option<SameSite>,
    domain: Option<Box<str>>,
    secure: bool,
    partitioned: bool,
    http_only: Option<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SameSite {
    Strict,
    Lax,
    None,
}

impl Attributes {
    /// The inner option is `None` for a cookie without `ttl`, which is only read.
    pub(crate) fn from_wire(wire: &wire::HttpCookie, faults: &mut Faults) -> Option<Option<Self>> {
        let path = faults.keep(path(wire.path.as_deref()).map_err(|fault| fault.at("path")));
        let listed = faults.within("attributes", |faults| {
            Listed::from_wire(wire.attributes.as_deref().unwrap_or_default(), faults)
        });
        let Some(ttl) = wire.ttl.as_deref() else {
            let without_effect = [
                ("path", wire.path.is_some()),
                ("attributes", wire.attributes.is_some()),
            ];
            for (field, _) in without_effect.iter().filter(|(_, given)| *given) {
                let reason = "has no effect without `ttl`: the cookie is only read";
                faults.report(InvalidConfig::new(reason).at(*field));
            }
            return Some(None);
        };
        let ttl = duration::read(ttl).map_err(|fault| fault.at("ttl"));
        let (ttl, path, listed) = (faults.keep(ttl)?, path?, listed?);
        let name = wire.name.as_deref().unwrap_or_default();
        if has_prefix(name, "__Host-") {
            let reason =
                "is not possible for a cookie whose name begins with `__Host-`: browsers drop it";
            if path != "/" {
                faults.report(InvalidConfig::new(reason).at("path"));
            }
            if listed.domain.is_some() {
                let fault = InvalidConfig::new(format!("Domain {reason}"));
                faults.report(fault.at("attributes"));
            }
        }
        let is_prefixed = has_prefix(name, "__Host-") || has_prefix(name, "__Secure-");
        Some(Some(listed.attributes(path, ttl, is_prefixed)))
    }

    /// The text for a response. `secure` says whether the request came over HTTPS.
    pub(crate) fn text(&self, secure: bool) -> [&str; 2] {
        let added = secure && !self.secure;
        [&self.text, if added { "; Secure" } else { "" }]
    }
}

impl Listed {
    fn from_wire(wire: &[Option<wire::CookieAttribute>], faults: &mut Faults) -> Option<Self> {
        let mut listed = Self::default();
        let mut names = Vec::new();
        let mut complete = true;
        for (index, attribute) in wire.iter().enumerate() {
            let Some(attribute) = attribute else { continue };
            let name = attribute.name.as_deref().unwrap_or_default();
            let name = name.to_ascii_lowercase();
            let taken = if names.contains(&name) {
                Err(InvalidConfig::new("is given twice").at("name"))
            } else {
                listed.take(&name, attribute)
            };
            complete &= faults
                .keep(taken.map_err(|fault| fault.at(index)))
                .is_some();
            names.push(name);
        }
        complete.then_some(listed)
    }

    /// Takes one attribute. `name` is its name in lower case.
    fn take(&mut self, name: &str, wire: &wire::CookieAttribute) -> Result<(), InvalidConfig> {
        let value = wire.value.as_deref().filter(|value| !value.is_empty());
        match name {
            "samesite" => self.same_site = Some(same_site(value)?),
            "domain" => self.domain = Some(domain(value)?),
            "secure" => self.secure = without_value(value)?,
            "partitioned" => self.partitioned = without_value(value)?,
            "httponly" => {
                self.http_only = Some(match value {
                    Some("false") => false,
                    value => without_value(value)?,
                });
            }
            "path" => return Err(InvalidConfig::new("is the field `path`").at("name")),
            "max-age" | "expires" => {
                return Err(InvalidConfig::new("is the field `ttl`").at("name"));
            }
            _ => {
                let reason = "is not one of SameSite, Secure, HttpOnly, Partitioned, Domain";
                return Err(InvalidConfig::new(reason).at("name"));
            }
        }
        Ok(())
    }

    fn attributes(self, path: &str, ttl: Duration, is_prefixed: bool) -> Attributes {
        // `Max-Age` is in whole seconds. `0s` makes a session cookie, which has no `Max-Age`.
        let seconds = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
        let max_age = if seconds == 0 {
            String::new()
        } else {
            format!("; Max-Age={seconds}")
        };
        let domain = self.domain.unwrap_or_default();
        let field = if domain.is_empty() { "" } else { "; Domain=" };
        let same_site = self.same_site.unwrap_or(SameSite::Lax);
        // Browsers drop a cookie that needs `Secure` and does not have it.
        let secure = self.secure || self.partitioned || is_prefixed || same_site == SameSite::None;
        let chosen = |given: bool, text: &'static str| if given { text } else { "" };
        let text = [
            "; Path=",
            path,
            &max_age,
            field,
            &domain,
            chosen(self.http_only.unwrap_or(true), "; HttpOnly"),
            same_site.as_str(),
            chosen(secure, "; Secure"),
            chosen(self.partitioned, "; Partitioned"),
        ];
        Attributes {
            text: text.concat().into(),
            secure,
        }
    }
}

impl SameSite {
    fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "; SameSite=Strict",
            Self::Lax => "; SameSite=Lax",
            Self::None => "; SameSite=None",
        }
    }
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

fn same_site(value: Option<&str>) -> Result<SameSite, InvalidConfig> {
    let value = value.unwrap_or_default();
    let known = [
        ("Strict", SameSite::Strict),
        ("Lax", SameSite::Lax),
        ("None", SameSite::None),
    ];
    let found = known
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(value));
    let found = found.map(|(_, same_site)| *same_site);
    found.ok_or_else(|| InvalidConfig::new("is not one of Strict, Lax, None").at("value"))
}

/// RFC 6265, 5.2.3: a leading dot is dropped.
fn domain(value: Option<&str>) -> Result<Box<str>, InvalidConfig> {
    let host = value.unwrap_or_default();
    let host = host.strip_prefix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or_default();
    // Browsers treat a host that ends in a number as an IPv4 address, which has no subdomains.
    if !is_host(host) || last.bytes().all(|b| b.is_ascii_digit()) {
        return Err(InvalidConfig::new("is not a host name").at("value"));
    }
    Ok(host.into())
}

fn without_value(value: Option<&str>) -> Result<bool, InvalidConfig> {
    match value {
        None => Ok(true),
        Some(_) => Err(InvalidConfig::new("does not belong to this attribute").at("value")),
    }
}

/// RFC 6265bis, 4.1.3: browsers recognize the prefix in upper and in lower case.
fn has_prefix(name: &str, prefix: &str) -> bool {
    let start = name.get(..prefix.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests;
