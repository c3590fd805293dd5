//! Why an entry does not match. Only tools ask this, so the module does not contain it.

use super::{HeaderMatch, Matcher};
use crate::config::wire;
use crate::request::{Fields, Request};

/// A condition's field in the entry, and its name where the field lists conditions by name.
pub(crate) type Written = (&'static str, Option<Box<str>>);

/// A condition that does not hold.
#[derive(Debug)]
pub(crate) struct Unmet {
    pub(crate) written: Written,
    /// What the request has where the condition looks: one value, or every value of a header.
    pub(crate) found: Vec<Vec<u8>>,
}

/// Where the configuration has each condition of `Matcher::headers`, in their order.
pub(super) fn written(wire: &wire::Match) -> Box<[Written]> {
    let pseudo = [
        ("scheme", &wire.scheme),
        ("method", &wire.method),
        ("authority", &wire.authority),
    ];
    let pseudo = pseudo.into_iter().filter_map(|(field, value)| {
        let value = value.as_ref()?;
        let texts = [&value.exact, &value.prefix, &value.regex];
        // `{}` puts no condition on the value.
        texts
            .iter()
            .any(|text| text.is_some())
            .then_some((field, None))
    });
    let listed = [
        ("headers", &wire.headers),
        ("withoutHeaders", &wire.without_headers),
    ];
    let listed = listed.into_iter().flat_map(|(field, entries)| {
        let names = entries.0.iter();
        names.map(move |(name, _)| (field, Some(name.as_str().into())))
    });
    pseudo.chain(listed).collect()
}

impl Matcher {
    /// The first condition that does not hold, in the order of [`matches`](Self::matches); `None` if the entry matches.
    pub(crate) fn unmet<'r, F: Fields>(&'r self, request: &Request<'r, F>) -> Option<Unmet> {
        if let Some(uri) = &self.uri
            && !request.uri().is_some_and(|path| uri.matches(path))
        {
            return Some(Unmet {
                written: ("uri", None),
                found: request.uri().map(<[u8]>::to_vec).into_iter().collect(),
            });
        }
        for (name, param) in &self.query_params {
            let value = request.query_param(name);
            if !param.matches(value) {
                let name = String::from_utf8_lossy(name).into();
                return Some(Unmet {
                    written: ("queryParams", Some(name)),
                    found: value.map(<[u8]>::to_vec).into_iter().collect(),
                });
            }
        }
        let mut headers = self.headers.iter().zip(&self.written);
        let ((name, _), written) =
            headers.find(|((name, header), _)| !HeaderMatch::matches(header, name, request))?;
        let mut found = Vec::new();
        request.each_value(name.as_str(), |value| found.push(value.to_vec()));
        Some(Unmet {
            written: written.clone(),
            found,
        })
    }
}
