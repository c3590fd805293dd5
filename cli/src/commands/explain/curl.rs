//! The request that a curl command sends.

mod options;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::commands::accepted::Unusable;
use crate::commands::explain::curl::options::{FORM, Means, means};
use crate::commands::explain::request::{HttpRequest, is_name};
use crate::commands::explain::shell::words;

/// What the options have said so far.
struct Parts {
    request: HttpRequest,
    url: Option<String>,
    method: Option<String>,
    /// Headers that curl would send by itself, and must not.
    removed: Vec<String>,
    data: Vec<String>,
    content_type: Option<&'static str>,
    is_head: bool,
    is_get: bool,
    is_upload: bool,
    path_as_is: bool,
}

impl HttpRequest {
    /// The request that this curl command sends. It has curl's own headers, with `curl/8.0.0` as the user agent.
    ///
    /// # Errors
    /// It is not a curl command, or has an option whose meaning for the request is not known.
    pub fn from_curl(command: &str) -> Result<Self, Unusable> {
        let words = words(command).ok_or_else(|| unusable("a quotation does not end"))?;
        let mut words = words.into_iter();
        let program = words.next().unwrap_or_default();
        let name = program.rsplit(['/', '\\']).next().unwrap_or_default();
        if !["curl", "curl.exe"].contains(&name) {
            return Err(unusable("it does not begin with `curl`"));
        }
        let mut parts = Parts::new();
        let mut only_urls = false;
        while let Some(word) = words.next() {
            match word.strip_prefix('-') {
                _ if only_urls => parts.url(&word)?,
                Some("-") => only_urls = true,
                Some(option) if !option.is_empty() => match option.strip_prefix('-') {
                    Some(name) => parts.long(name, &mut words)?,
                    None => parts.short(option, &mut words)?,
                },
                _ => parts.url(&word)?,
            }
        }
        parts.request()
    }
}

impl Parts {
    fn new() -> Self {
        Self {
            request: HttpRequest::get("/"),
            url: None,
            method: None,
            removed: Vec::new(),
            data: Vec::new(),
            content_type: None,
            is_head: false,
            is_get: false,
            is_upload: false,
            path_as_is: false,
        }
    }

    fn long(
        &mut self,
        name: &str,
        words: &mut impl Iterator<Item = String>,
    ) -> Result<(), Unusable> {
        let (name, joined) = match name.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (name, None),
        };
        // `--no-compressed` switches off what has no value.
        let means = match name.strip_prefix("no-").map(|name| (name, means(name))) {
            Some((_, Some(Means::Nothing | Means::Compressed | Means::Get | Means::Head))) => {
                Some(Means::Nothing)
            }
            _ => means(name).filter(|_| name.len() > 1),
        };
        let means = means.ok_or_else(|| unknown(&format!("--{name}")))?;
        let value = match joined {
            Some(value) => Some(value),
            None if means.has_value() => words.next(),
            None => None,
        };
        self.option(&format!("--{name}"), means, value)
    }

    /// `-sXPOST`: options without a value, and one with the rest as its value.
    fn short(
        &mut self,
        letters: &str,
        words: &mut impl Iterator<Item = String>,
    ) -> Result<(), Unusable> {
        for (at, letter) in letters.char_indices() {
            let name = letter.to_string();
            let means = means(&name).ok_or_else(|| unknown(&format!("-{name}")))?;
            if !means.has_value() {
                self.option(&name, means, None)?;
                continue;
            }
            let rest = letters.get(at + letter.len_utf8()..).unwrap_or_default();
            let value = if rest.is_empty() {
                words.next()
            } else {
                Some(rest.to_owned())
            };
            return self.option(&format!("-{name}"), means, value);
        }
        Ok(())
    }

    fn option(&mut self, name: &str, means: Means, value: Option<String>) -> Result<(), Unusable> {
        let value = match (means.has_value(), value) {
            (true, None) => return Err(unusable(format!("`{name}` has no value"))),
            (_, value) => value.unwrap_or_default(),
        };
        match means {
            Means::Nothing | Means::Ignored => {}
            Means::Url => self.url(&value)?,
            Means::Method => self.method = Some(value),
            Means::Header => self.header(&value)?,
            Means::Cookie if value.contains('=') => self.request.add_cookie(&value),
            Means::Cookie => {
                return Err(unusable(format!(
                    "`{name} {value}` reads a file of cookies"
                )));
            }
            Means::UserAgent => self.own("user-agent", &value),
            Means::Referer => self.own("referer", value.trim_end_matches(";auto")),
            Means::User => self.own(
                "authorization",
                &format!("Basic {}", BASE64_STANDARD.encode(value)),
            ),
            Means::Bearer => self.own("authorization", &format!("Bearer {value}")),
            Means::Range => self.own("range", &format!("bytes={value}")),
            Means::Data(content_type) => {
                self.content_type = Some(content_type);
                self.data.push(value);
            }
            Means::Json => {
                self.content_type = Some("application/json");
                self.own("accept", "application/json");
                self.data.push(value);
            }
            Means::Upload => self.is_upload = true,
            Means::Head => self.is_head = true,
            Means::Get => self.is_get = true,
            Means::Compressed => self.own("accept-encoding", "deflate, gzip, br, zstd"),
            Means::PathAsIs => self.path_as_is = true,
        }
        Ok(())
    }

    fn url(&mut self, url: &str) -> Result<(), Unusable> {
        if self.url.replace(url.to_owned()).is_some() {
            return Err(unusable("it has more than one URL"));
        }
        Ok(())
    }

    /// `Name: value`; `Name:` removes curl's own header, and `Name;` sends an empty one.
    fn header(&mut self, text: &str) -> Result<(), Unusable> {
        if let Some(name) = text.strip_suffix(';').filter(|name| is_name(name)) {
            self.request.set(name, "");
            return Ok(());
        }
        match text.split_once(':') {
            Some((name, value)) if is_name(name.trim_end()) => {
                let name = name.trim_end().to_ascii_lowercase();
                if value.trim().is_empty() {
                    self.removed.push(name);
                } else {
                    self.request.set(&name, value.trim());
                }
                Ok(())
            }
            _ if text.starts_with('@') => {
                Err(unusable(format!("`-H {text}` reads a file of headers")))
            }
            _ => Err(unusable(format!("`{text}` is not a header"))),
        }
    }

    /// A header that an option makes. One that `-H` gives replaces it.
    fn own(&mut self, name: &str, value: &str) {
        if !self.request.has(name) && !value.is_empty() {
            self.request.set(name, value);
        }
    }

    fn request(mut self) -> Result<HttpRequest, Unusable> {
        let url = self.url.take().ok_or_else(|| unusable("it has no URL"))?;
        let has_body = !self.data.is_empty() && !self.is_get;
        self.target(&url)?;
        if has_body {
            self.own("content-type", self.content_type.unwrap_or(FORM));
        }
        self.own("accept", "*/*");
        self.own("user-agent", "curl/8.0.0");
        let removed = std::mem::take(&mut self.removed);
        self.request.headers.retain(|(name, value)| {
            let is_own = ["*/*", "curl/8.0.0", FORM].contains(&value.as_str());
            !(is_own && removed.contains(name))
        });
        let usual = if self.is_upload {
            "PUT"
        } else if has_body {
            "POST"
        } else if self.is_head {
            "HEAD"
        } else {
            "GET"
        };
        self.request.method = self.method.unwrap_or_else(|| usual.to_owned());
        Ok(self.request)
    }

    /// Scheme, authority and path, as curl takes them from the URL.
    fn target(&mut self, url: &str) -> Result<(), Unusable> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let scheme = scheme.to_ascii_lowercase();
        if !["http", "https"].contains(&scheme.as_str()) {
            return Err(unusable(format!("`{url}` is not an http URL")));
        }
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let host = authority.rsplit('@').next().unwrap_or_default();
        let usual_port = if scheme == "http" { ":80" } else { ":443" };
        let host = host.strip_suffix(usual_port).unwrap_or(host);
        if host.is_empty() || target.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(unusable(format!("`{url}` is not a URL")));
        }
        if let Some((user, _)) = authority.rsplit_once('@') {
            self.own(
                "authorization",
                &format!("Basic {}", BASE64_STANDARD.encode(user)),
            );
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = if self.path_as_is {
            path.to_owned()
        } else {
            without_dots(path)
        };
        let query = query.to_owned();
        let sent = self.data.iter().filter(|_| self.is_get);
        let queries: Vec<_> = std::iter::once(&query)
            .chain(sent)
            .filter(|text| !text.is_empty())
            .cloned()
            .collect();
        let slash = if path.starts_with('/') { "" } else { "/" };
        let question = if queries.is_empty() { "" } else { "?" };
        self.request.path = format!("{slash}{path}{question}{}", queries.join("&"));
        self.request.scheme = scheme;
        if self.request.authority.is_none() {
            self.request.authority = Some(host.to_owned());
        }
        Ok(())
    }
}

/// RFC 3986, 5.2.4, which curl does to a path before it sends it.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let segments: Vec<_> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    for (number, segment) in segments.iter().enumerate() {
        let is_last = number + 1 == segments.len();
        match *segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => {
                kept.push(segment);
                continue;
            }
        }
        if is_last {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

fn unusable(reason: impl Into<String>) -> Unusable {
    Unusable::new(format!(
        "the curl command cannot be used: {}",
        reason.into()
    ))
}

fn unknown(option: &str) -> Unusable {
    unusable(format!("the option `{option}` is not known"))
}

#[cfg(test)]
mod tests;
