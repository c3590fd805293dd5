//! One entry of `route`, and the cluster that istiod makes of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::host;
use super::object::{Object, Refusal, Spot, present, text};

/// The ports of the Services by their full names, and the one to take where none is known.
#[derive(Debug, Default)]
pub(super) struct Ports {
    services: BTreeMap<String, Vec<u16>>,
    fallback: Option<u16>,
}

/// A destination as it is written, with its full host.
#[derive(Debug)]
pub(super) struct Destination {
    /// `destination` as it is written.
    pub(super) written: Value,
    /// What is done to the headers of its requests and answers alone.
    pub(super) headers: Option<Value>,
    pub(super) host: String,
    pub(super) subset: Option<String>,
    pub(super) weight: u32,
    port: Option<u16>,
    at: Spot,
}

/// A destination whose port is known.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) subset: Option<String>,
    pub(super) port: u16,
    pub(super) weight: u32,
}

impl Ports {
    /// Reads the Services and ServiceEntries. `fallback` is the port of `--port`.
    ///
    /// # Errors
    /// One of them has no valid list of ports.
    pub(super) fn of(objects: &[Object], fallback: Option<u16>) -> Result<Self, Refusal> {
        let mut ports = Self {
            services: BTreeMap::new(),
            fallback,
        };
        for object in objects {
            let hosts = if object.is("Service", "") {
                host::full_name(object.name(), object.namespace())
                    .into_iter()
                    .collect()
            } else if object.is("ServiceEntry", "networking.istio.io") {
                object
                    .texts("hosts")?
                    .into_iter()
                    .map(str::to_owned)
                    .collect()
            } else {
                Vec::new()
            };
            for name in hosts {
                ports.add(object, &name)?;
            }
        }
        Ok(ports)
    }

    fn add(&mut self, object: &Object, host: &str) -> Result<(), Refusal> {
        let field = if object.is("Service", "") {
            "port"
        } else {
            "number"
        };
        for (index, entry) in object.list("ports")?.iter().enumerate() {
            let port = entry.get(field).and_then(Value::as_u64);
            let port = port
                .and_then(|port| u16::try_from(port).ok())
                .ok_or_else(|| {
                    let at = Spot::spec("ports").item(index).field(field);
                    object.refuse(&at, "is not a port (1 to 65535)")
                })?;
            self.services.entry(host.to_owned()).or_default().push(port);
        }
        Ok(())
    }

    /// The port of a destination that names none. istiod takes that of a Service with one port; with several it takes the
    /// listener's, which no file shows.
    fn of_host(&self, host: &str) -> Result<u16, String> {
        match (self.services.get(host).map(Vec::as_slice), self.fallback) {
            (Some([only]), _) => Ok(*only),
            (Some([]) | None, Some(port)) => Ok(port),
            (Some(several), Some(port)) if several.contains(&port) => Ok(port),
            (Some(_), Some(port)) => Err(format!(
                "the Service `{host}` has several ports, but not {port}"
            )),
            (Some([]) | None, None) => Err(format!(
                "the port of `{host}` is not known: add port.number, the file of its Service, or --port"
            )),
            (Some(_), None) => Err(format!(
                "the Service `{host}` has several ports: add port.number or --port"
            )),
        }
    }
}

impl Destination {
    /// # Errors
    /// It is not what Istio accepts, or its short host cannot be completed.
    pub(super) fn read(object: &Object, value: &Value, at: &Spot) -> Result<Self, Refusal> {
        object.fields(value, &["destination", "weight", "headers"], at)?;
        let inner = at.field("destination");
        let missing = || object.refuse(at, "has no destination");
        let written = present(value, "destination").ok_or_else(missing)?;
        object.fields(written, &["host", "subset", "port"], &inner)?;
        let short = text(written, "host").ok_or_else(|| object.refuse(&inner, "has no host"))?;
        let host = host::full_name(short, object.namespace())
            .map_err(|reason| object.refuse(&inner.field("host"), &reason))?;
        let weight = present(value, "weight").map_or(Some(0), Value::as_u64);
        let weight = weight
            .and_then(|weight| u32::try_from(weight).ok())
            .filter(|weight| *weight <= i32::MAX.unsigned_abs());
        let weight = weight.ok_or_else(|| {
            object.refuse(
                &at.field("weight"),
                "is not a whole number from 0 to 2147483647",
            )
        })?;
        let port = match present(written, "port") {
            None => None,
            Some(port) => {
                let number = port.get("number").and_then(Value::as_u64);
                let number = number
                    .and_then(|it| u16::try_from(it).ok())
                    .filter(|it| *it > 0);
                Some(number.ok_or_else(|| {
                    object.refuse(&inner.field("port"), "has no number from 1 to 65535")
                })?)
            }
        };
        Ok(Self {
            written: written.clone(),
            headers: present(value, "headers").cloned(),
            host,
            subset: present(written, "subset")
                .and_then(Value::as_str)
                .map(str::to_owned),
            weight,
            port,
            at: at.clone(),
        })
    }

    /// # Errors
    /// Nothing gives its port.
    pub(super) fn target(&self, object: &Object, ports: &Ports) -> Result<Target, Refusal> {
        let port = match self.port {
            Some(port) => port,
            None => ports
                .of_host(&self.host)
                .map_err(|reason| object.refuse(&self.at.field("destination"), &reason))?,
        };
        Ok(Target {
            host: self.host.clone(),
            subset: self.subset.clone(),
            port,
            weight: self.weight,
        })
    }
}

impl Target {
    /// As the only destination, which gets everything whatever its weight is.
    pub(super) fn alone(self) -> Self {
        Self {
            weight: 100,
            ..self
        }
    }

    /// The cluster's name in Envoy.
    pub(super) fn cluster(&self) -> String {
        let subset = self.subset.as_deref().unwrap_or_default();
        format!("outbound|{}|{subset}|{}", self.port, self.host)
    }

    /// What the filter calls it.
    pub(super) fn label(&self) -> &str {
        self.subset.as_deref().unwrap_or(&self.host)
    }

    /// As the filter's configuration has it. `by_cluster`: its label would be that of another one.
    pub(super) fn wire(&self, by_cluster: bool) -> Value {
        if by_cluster {
            return json!({"cluster": self.cluster(), "weight": self.weight});
        }
        let port = json!({"number": self.port});
        let destination = match &self.subset {
            Some(subset) => json!({"host": self.host, "subset": subset, "port": port}),
            None => json!({"host": self.host, "port": port}),
        };
        json!({"destination": destination, "weight": self.weight})
    }
}
