//! The rules for names and times as regular expressions of ECMA-262, in the part of it that validators share.

use crate::config::header_name::RESERVED;

/// [`is_name`](crate::config::names::is_name).
pub(super) const NAME: &str = "^[A-Za-z0-9._-]{1,63}$";
/// [`is_host`](crate::config::names::is_host), but for the length of the whole.
pub(super) const HOST: &str = r"^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$";
/// A host without a dot.
pub(super) const LABEL: &str = "^[A-Za-z0-9_-]{1,63}$";
/// [`is_cluster`](crate::config::names::is_cluster).
pub(super) const CLUSTER: &str = "^[!-:<-~]{1,256}$";
/// [`is_token`](crate::config::header_name::is_token).
pub(super) const TOKEN: &str = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";
/// A header that a rule reads, pseudo-headers included.
pub(super) const HEADER_TO_READ: &str = "^:?[!#$%&'*+.^_`|~0-9A-Za-z-]+$";
/// The path of a cookie.
pub(super) const COOKIE_PATH: &str = "^/[ -:<-~]*$";
/// The domain of a cookie; it must not end in a number, which [`ENDS_IN_NUMBER`] finds.
pub(super) const COOKIE_DOMAIN: &str = r"^\.?[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$";
/// A host that browsers take for an IPv4 address.
pub(super) const ENDS_IN_NUMBER: &str = r"(^|\.)[0-9]+$";
/// Go's syntax of durations, without a sign.
pub(super) const DURATION: &str = r"^(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))+)$";
/// RFC 3339, with up to 31 days for every month.
pub(super) const TIME: &str = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$";

/// The names of headers that the filter may not write.
pub(super) fn reserved() -> String {
    let names = RESERVED.iter().map(|name| {
        let end = if name.ends_with('-') { "" } else { "$" };
        format!("{}{end}", any_case(name))
    });
    format!("^({})", names.collect::<Vec<_>>().join("|"))
}

/// One of these texts as a whole, in upper and lower case.
pub(super) fn one_of(texts: &[&str]) -> String {
    let texts: Vec<_> = texts.iter().map(|text| any_case(text)).collect();
    format!("^({})$", texts.join("|"))
}

/// This text in upper and lower case, as a pattern: validators have no flag for that.
pub(super) fn any_case(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_ascii_alphabetic() {
                format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase())
            } else {
                c.to_string()
            }
        })
        .collect()
}
