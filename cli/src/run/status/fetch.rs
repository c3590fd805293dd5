//! HTTP to Envoy's admin interfaces.

use std::thread;
use std::time::Duration;

use canary::status::{DISCOVERED, LISTENERS, Proxy, STATS, Snapshot};
use ureq::Agent;
use ureq::http::Uri;

/// The longest answer that is read: the dump of a gateway's listeners has a few megabytes.
const LONGEST: u64 = 256 << 20;

/// How many proxies are asked at the same time.
const AT_ONCE: usize = 16;

/// A proxy to ask: its name, and its URL or the reason why it has none.
pub(super) type Target = (String, Result<String, String>);

/// Asks proxies.
pub(super) struct Client(Agent);

/// Reads the URL of an admin interface; `http://` may be left out.
pub(super) fn url(text: &str) -> Result<String, String> {
    let url = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let uri: Uri = url.parse().map_err(|_| "it is not a URL".to_owned())?;
    if uri.scheme_str() != Some("http") {
        return Err("Envoy's admin interface speaks http".to_owned());
    }
    if uri.query().is_some() || uri.authority().is_none_or(|own| own.as_str().contains('@')) {
        return Err("it must be http://HOST:PORT".to_owned());
    }
    Ok(url.trim_end_matches('/').to_owned())
}

impl Client {
    pub(super) fn new(timeout: Duration) -> Self {
        // An admin interface is near: a proxy for the web would not reach it.
        let config = Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None);
        Self(config.build().new_agent())
    }

    /// Asks all of them; `now` is in seconds since 1970.
    pub(super) fn ask_all(&self, targets: Vec<Target>, now: i64) -> Vec<Proxy> {
        let mut proxies = Vec::with_capacity(targets.len());
        for targets in targets.chunks(AT_ONCE) {
            proxies.extend(thread::scope(|scope| {
                let asked: Vec<_> = targets
                    .iter()
                    .map(|(name, url)| (name, scope.spawn(|| self.ask(url.clone()?, now))))
                    .collect();
                let proxy = |(name, asked): (&String, thread::ScopedJoinHandle<'_, _>)| Proxy {
                    name: name.clone(),
                    state: asked
                        .join()
                        .unwrap_or_else(|_| Err("the answer cannot be read".to_owned())),
                };
                asked.into_iter().map(proxy).collect::<Vec<_>>()
            }));
        }
        proxies
    }

    fn ask(&self, url: String, now: i64) -> Result<Snapshot, String> {
        let stats = self.get(&url, STATS)?;
        let mut dumps = vec![self.get(&url, DISCOVERED)?];
        let read = |dumps: &[Vec<u8>]| {
            Snapshot::read(&stats, dumps, now).map_err(|fault| fault.to_string())
        };
        let state = read(&dumps)?;
        if state.is_complete() {
            return Ok(state);
        }
        for page in LISTENERS {
            dumps.push(self.get(&url, page)?);
        }
        read(&dumps)
    }

    fn get(&self, url: &str, page: &str) -> Result<Vec<u8>, String> {
        let answer = self.0.get(format!("{url}{page}")).call();
        let mut answer = answer.map_err(|error| reason(&error))?;
        let (status, path) = (answer.status(), page.split('?').next().unwrap_or(page));
        // An Envoy whose version lacks a part of the dump says so by an error.
        if status != 200 && path != "/config_dump" {
            return Err(format!("answers {} to {path}", status.as_u16()));
        }
        let body = answer.body_mut().with_config().limit(LONGEST).read_to_vec();
        body.map_err(|error| reason(&error))
    }
}

fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => format!("cannot be reached: {error}"),
        ureq::Error::Timeout(_) => "does not answer in time".to_owned(),
        ureq::Error::HostNotFound => "cannot be reached: the host is not known".to_owned(),
        ureq::Error::ConnectionFailed => "cannot be reached: the connection failed".to_owned(),
        other => format!("cannot be read: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_http_with_a_host_and_a_port_and_nothing_else() {
        for (text, read) in [
            ("http://127.0.0.1:9901", Some("http://127.0.0.1:9901")),
            ("http://127.0.0.1:9901/", Some("http://127.0.0.1:9901")),
            ("gateway:9901", Some("http://gateway:9901")),
            ("http://[::1]:9901", Some("http://[::1]:9901")),
            ("https://127.0.0.1:9901", None),
            ("http://user@127.0.0.1:9901", None),
            ("http://127.0.0.1:9901/?a", None),
            ("http://", None),
            ("a b", None),
            ("", None),
        ] {
            assert_eq!(url(text).ok().as_deref(), read, "{text}");
        }
    }
}
