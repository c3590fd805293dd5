//! A condition on a value: `{exact}`, `{prefix}` or `{regex}`.

use crate::config::invalid::InvalidConfig;
use crate::config::wire;
use crate::matching::regex::{Budget, Regex};

/// How a value is compared.
#[derive(Debug)]
pub(crate) enum StringMatch {
    Exact(Box<[u8]>),
    Prefix(Box<[u8]>),
    ExactIgnoreCase(Box<[u8]>),
    PrefixIgnoreCase(Box<[u8]>),
    Regex(Regex),
}

impl StringMatch {
    /// Returns `None` for `{}`, which puts no condition on the value.
    #[inline(never)] // It has seven callers, and Envoy compiles the whole module at startup.
    pub(crate) fn from_wire(
        wire: &wire::StringMatch,
        budget: &mut Budget,
    ) -> Result<Option<Self>, InvalidConfig> {
        let given = [&wire.exact, &wire.prefix, &wire.regex]
            .iter()
            .filter(|value| value.is_some())
            .count();
        if given > 1 {
            return Err(InvalidConfig::new(
                "give exactly one of exact, prefix, regex",
            ));
        }
        let bytes = |text: &String| text.as_bytes().into();
        if let Some(text) = &wire.exact {
            return Ok(Some(Self::Exact(bytes(text))));
        }
        match (&wire.prefix, wire.regex.as_deref()) {
            (Some(text), _) if text.is_empty() => Err(InvalidConfig::new("is empty").at("prefix")),
            (Some(text), _) => Ok(Some(Self::Prefix(bytes(text)))),
            (_, Some("")) => Err(InvalidConfig::new("is empty").at("regex")),
            (_, Some("*")) => {
                Err(InvalidConfig::new("`*` repeats nothing: write `.*`").at("regex"))
            }
            (_, Some(pattern)) => {
                let regex =
                    Regex::new(pattern).and_then(|regex| budget.take(&regex).map(|()| regex));
                regex
                    .map(|regex| Some(Self::Regex(regex)))
                    .map_err(|fault| fault.at("regex"))
            }
            (None, None) => Ok(None),
        }
    }

    /// The same condition, but ignoring the case of ASCII letters. A regex stays as it is: it has its own flag for that.
    pub(crate) fn ignoring_case(self) -> Self {
        match self {
            Self::Exact(text) => Self::ExactIgnoreCase(text),
            Self::Prefix(text) => Self::PrefixIgnoreCase(text),
            other => other,
        }
    }

    /// Whether the value satisfies the condition.
    pub(crate) fn matches(&self, value: &[u8]) -> bool {
        match self {
            Self::Exact(text) => value == &**text,
            Self::Prefix(text) => value.starts_with(text),
            Self::ExactIgnoreCase(text) => value.eq_ignore_ascii_case(text),
            Self::PrefixIgnoreCase(text) => value
                .get(..text.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(text)),
            Self::Regex(regex) => regex.matches(value),
        }
    }
}
