//! A VirtualService, read as far as a conversion needs it.

use serde_json::{Map, Value};

use super::MESH;
use super::destination::Destination;
use super::entry::{self, Entry};
use super::host::Host;
use super::object::{Object, Refusal, Spot, present};

/// What a route does with a request apart from choosing its destination. It stays in the VirtualService.
pub(super) const OPTIONS: [&str; 14] = [
    "redirect",
    "directResponse",
    "delegate",
    "rewrite",
    "timeout",
    "retries",
    "fault",
    "mirror",
    "mirrors",
    "mirrorPercentage",
    "mirrorPercent",
    "mirror_percent",
    "corsPolicy",
    "headers",
];

/// The rest of the fields.
const OTHERS: [&str; 3] = ["name", "match", "route"];

/// A VirtualService.
#[derive(Debug)]
pub(super) struct VirtualService<'o> {
    pub(super) object: &'o Object,
    pub(super) hosts: Vec<Host>,
    /// As they are written, without `mesh`.
    pub(super) gateways: Vec<String>,
    pub(super) http: Vec<Http<'o>>,
}

/// One entry of `http`.
#[derive(Debug)]
pub(super) struct Http<'o> {
    pub(super) value: &'o Map<String, Value>,
    pub(super) at: Spot,
    pub(super) entries: Vec<Entry<'o>>,
    pub(super) action: Action,
}

/// What it does with its requests.
#[derive(Debug)]
pub(super) enum Action {
    Route(Vec<Destination>),
    /// `redirect` or `directResponse`.
    Answer,
    Delegate,
}

impl<'o> VirtualService<'o> {
    /// # Errors
    /// It has a part whose meaning is not known.
    pub(super) fn read(object: &'o Object) -> Result<Self, Refusal> {
        let mut hosts = Vec::new();
        for (index, text) in object.texts("hosts")?.into_iter().enumerate() {
            let host = Host::parse(text, object.namespace())
                .map_err(|reason| object.refuse(&Spot::spec("hosts").item(index), &reason))?;
            hosts.push(host);
        }
        let mut gateways = object.texts("gateways")?;
        if gateways.is_empty() {
            gateways.push(MESH);
        }
        let full: Vec<_> = gateways
            .iter()
            .map(|name| entry::gateway(object, name))
            .collect();
        let http = object.list("http")?.iter().enumerate();
        let http = http.map(|(index, value)| Http::read(object, Spot::http(index), value, &full));
        Ok(Self {
            object,
            hosts,
            http: http.collect::<Result<_, _>>()?,
            gateways: gateways
                .into_iter()
                .filter(|name| *name != MESH)
                .map(str::to_owned)
                .collect(),
        })
    }

    /// Whether it is in force at a gateway at all: not if it is another one's delegate, or only for sidecars.
    pub(super) fn is_at_a_gateway(&self) -> bool {
        !self.hosts.is_empty() && !self.gateways.is_empty()
    }

    /// Whether a gateway has a route of this name from it.
    pub(super) fn has_name(&self, name: &str) -> bool {
        self.is_at_a_gateway() && self.http.iter().any(|http| http.name() == Some(name))
    }
}

impl<'o> Http<'o> {
    fn read(
        object: &'o Object,
        at: Spot,
        value: &'o Value,
        gateways: &[String],
    ) -> Result<Self, Refusal> {
        let known: Vec<_> = OPTIONS.into_iter().chain(OTHERS).collect();
        let fields = object.fields(value, &known, &at)?;
        let mut entries = Vec::new();
        if let Some(list) = present(value, "match") {
            let list = object.items(list, &at.field("match"))?;
            for (index, value) in list.iter().enumerate() {
                let spot = at.field("match").item(index);
                entries.push(Entry::read(
                    object,
                    &spot,
                    (Some(index), value.clone()),
                    gateways,
                )?);
            }
        }
        if entries.is_empty() {
            let every = (None, Value::Object(Map::new()));
            entries.push(Entry::read(object, &at, every, gateways)?);
        }
        Ok(Self {
            value: fields,
            entries,
            action: Action::read(object, &at, value)?,
            at,
        })
    }

    /// The destinations, if it has any.
    pub(super) fn destinations(&self) -> &[Destination] {
        match &self.action {
            Action::Route(destinations) => destinations,
            Action::Answer | Action::Delegate => &[],
        }
    }

    /// Whether it splits what a gateway's filter could split.
    pub(super) fn is_split(&self) -> bool {
        self.destinations().len() > 1 && self.entries.iter().any(Entry::is_claimed)
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.value.get("name").and_then(Value::as_str)
    }
}

impl Action {
    fn read(object: &Object, at: &Spot, value: &Value) -> Result<Self, Refusal> {
        if let Some(list) = present(value, "route") {
            let at = at.field("route");
            let mut destinations = Vec::new();
            for (index, value) in object.items(list, &at)?.iter().enumerate() {
                destinations.push(Destination::read(object, value, &at.item(index))?);
            }
            let sum: u64 = destinations.iter().map(|it| u64::from(it.weight)).sum();
            if destinations.len() > 1 && sum == 0 {
                return Err(object.refuse(&at, "the weights sum to 0"));
            }
            if !destinations.is_empty() {
                return Ok(Self::Route(destinations));
            }
        }
        match ["redirect", "directResponse", "delegate"]
            .iter()
            .find(|field| present(value, field).is_some())
        {
            Some(&"delegate") => Ok(Self::Delegate),
            Some(_) => Ok(Self::Answer),
            None => Err(object.refuse(
                at,
                "has neither route nor redirect, directResponse or delegate",
            )),
        }
    }
}
