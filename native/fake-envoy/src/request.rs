//! What a client has sent.

/// Header fields, in order. Nothing keeps them from being what HTTP forbids.
pub type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// A request, as the module sees it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The header fields, with those of HTTP/2 that begin with a colon.
    pub headers: Fields,
    /// The client's address with its port.
    pub source_address: Option<Vec<u8>>,
    /// Whether Envoy shows an empty value as a null pointer. Both occur: `absl::string_view` allows either.
    pub empty_is_null: bool,
}

impl Request {
    /// A request with these header fields.
    pub fn new<V: AsRef<[u8]>>(headers: &[(&str, V)]) -> Self {
        Self {
            headers: fields(headers),
            ..Self::default()
        }
    }
}

/// Header fields as a test writes them.
pub fn fields<V: AsRef<[u8]>>(fields: &[(&str, V)]) -> Fields {
    let field = |(name, value): &(&str, V)| (name.as_bytes().to_vec(), value.as_ref().to_vec());
    fields.iter().map(field).collect()
}
