//! The options of curl.

/// What an option means for the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    /// Nothing, and the option has no value.
    Nothing,
    /// Nothing, but the option has a value.
    Ignored,
    Url,
    Method,
    Header,
    Cookie,
    UserAgent,
    Referer,
    User,
    Bearer,
    Range,
    /// Data of this content type.
    Data(&'static str),
    Json,
    Upload,
    Head,
    Get,
    Compressed,
    PathAsIs,
}

/// What `-d` sends.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// The long and short names of options, without their hyphens. What is not here is refused: it could change the request.
const OPTIONS: &[(Means, &str)] = &[
    (Means::Url, "url"),
    (Means::Method, "request X"),
    (Means::Header, "header H"),
    (Means::Cookie, "cookie b"),
    (Means::UserAgent, "user-agent A"),
    (Means::Referer, "referer e"),
    (Means::User, "user u"),
    (Means::Bearer, "oauth2-bearer"),
    (Means::Range, "range r"),
    (
        Means::Data(FORM),
        "data d data-raw data-ascii data-binary data-urlencode",
    ),
    (Means::Data("multipart/form-data"), "form F form-string"),
    (Means::Json, "json"),
    (Means::Upload, "upload-file T"),
    (Means::Head, "head I"),
    (Means::Get, "get G"),
    (Means::Compressed, "compressed"),
    (Means::PathAsIs, "path-as-is"),
    (
        Means::Nothing,
        "anyauth basic fail f fail-with-body globoff g http0.9 http1.0 0 http1.1 http2 http2-prior-knowledge \
         http3 http3-only include i insecure k ipv4 4 ipv6 6 location L location-trusted no-buffer N no-keepalive \
         no-progress-meter parallel Z progress-bar # raw remote-header-name J remote-name O show-error \
         S show-headers silent s ssl ssl-reqd tcp-nodelay tlsv1.2 tlsv1.3 tr-encoding verbose v",
    ),
    (
        Means::Ignored,
        "cacert capath cert E cert-type ciphers connect-timeout connect-to cookie-jar c dump-header D \
         interface key key-type limit-rate local-port max-redirs max-time m noproxy output o output-dir pass \
         proxy x resolve retry retry-delay retry-max-time speed-limit Y speed-time y stderr trace trace-ascii \
         unix-socket write-out w",
    ),
];

impl Means {
    pub(super) fn has_value(self) -> bool {
        !matches!(
            self,
            Self::Nothing | Self::Head | Self::Get | Self::Compressed | Self::PathAsIs
        )
    }
}

/// What the option of this name means.
pub(super) fn means(name: &str) -> Option<Means> {
    let found = OPTIONS
        .iter()
        .find(|(_, names)| names.split(' ').any(|it| it == name));
    found.map(|(means, _)| *means)
}
