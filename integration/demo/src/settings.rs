//! The ports and the folder of the demo.

use std::path::PathBuf;

use crate::Trouble;

/// The variables of `make demo`, with their defaults. Make hands each of them on as `CANARY_…`.
const PORTS: [(&str, u16); 4] = [
    ("PORT", 8080),
    ("ADMIN_PORT", 9901),
    ("BLUE_PORT", 8081),
    ("GREEN_PORT", 8082),
];

/// Where the demo listens, and where its files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The folder of the files that the demo writes, relative to the repository's root.
    pub(crate) folder: PathBuf,
    /// Envoy's listener.
    pub(crate) listener: u16,
    /// Envoy's admin page.
    pub(crate) admin: u16,
    pub(crate) blue: u16,
    pub(crate) green: u16,
    /// Whether the filter is the native module.
    pub(crate) native: bool,
}

impl Settings {
    /// Reads the settings by `variable`, which returns an environment variable.
    ///
    /// # Errors
    /// A port is not a number from 1 to 65535, or two ports are the same.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Trouble> {
        let variable =
            |name: &str| variable(&format!("CANARY_{name}")).filter(|text| !text.is_empty());
        let mut ports = PORTS;
        for (name, port) in &mut ports {
            if let Some(text) = variable(name) {
                *port = text.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
                    Trouble(format!(
                        "{name} is `{text}`, but a port is a number from 1 to 65535"
                    ))
                })?;
            }
        }
        for (at, (name, port)) in ports.iter().enumerate() {
            if let Some((other, _)) = ports.iter().skip(at + 1).find(|(_, other)| other == port) {
                return Err(Trouble(format!(
                    "{name} and {other} are both {port}: give them different ports"
                )));
            }
        }
        let [(_, listener), (_, admin), (_, blue), (_, green)] = ports;
        Ok(Self {
            folder: variable("DEMO").map_or_else(|| "target/demo".into(), PathBuf::from),
            listener,
            admin,
            blue,
            green,
            native: variable("NATIVE").is_some_and(|native| native != "0"),
        })
    }

    /// Each port with the variable that changes it.
    pub(crate) fn ports(&self) -> [(&'static str, u16); 4] {
        let [(listener, _), (admin, _), (blue, _), (green, _)] = PORTS;
        [
            (listener, self.listener),
            (admin, self.admin),
            (blue, self.blue),
            (green, self.green),
        ]
    }

    /// The file that holds the weights.
    pub(crate) fn weights(&self) -> PathBuf {
        self.folder.join("canary.yaml")
    }

    /// The shipped file of the filter, with its weights.
    pub(crate) fn filter(&self) -> &'static str {
        if self.native {
            "envoy/native.yaml"
        } else {
            "envoy/canary.yaml"
        }
    }

    /// Envoy's log.
    pub(crate) fn envoy_log(&self) -> PathBuf {
        self.folder.join("envoy.log")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Settings, String> {
        let variable = |name: &str| {
            let (_, value) = set.iter().find(|(set, _)| *set == name)?;
            Some((*value).to_owned())
        };
        Settings::read(variable).map_err(|trouble| trouble.to_string())
    }

    #[test]
    fn the_defaults_are_the_ports_of_the_documentation() {
        let settings = read(&[("CANARY_PORT", "")]).unwrap();
        let ports = settings.ports().map(|(_, port)| port);
        assert_eq!(ports, [8080, 9901, 8081, 8082]);
        assert_eq!(settings.weights(), PathBuf::from("target/demo/canary.yaml"));
    }

    #[test]
    fn every_port_and_the_folder_can_be_changed() {
        let settings = read(&[
            ("CANARY_PORT", "9080"),
            ("CANARY_ADMIN_PORT", "1"),
            ("CANARY_BLUE_PORT", "8080"),
            ("CANARY_GREEN_PORT", "65535"),
            ("CANARY_DEMO", "target/other"),
        ])
        .unwrap();
        let ports = settings.ports().map(|(_, port)| port);
        assert_eq!(ports, [9080, 1, 8080, 65535]);
        assert_eq!(settings.folder, PathBuf::from("target/other"));
    }

    #[test]
    fn the_native_module_is_taken_if_make_says_so() {
        for (native, file) in [
            ("1", "envoy/native.yaml"),
            ("", "envoy/canary.yaml"),
            ("0", "envoy/canary.yaml"),
        ] {
            let settings = read(&[("CANARY_NATIVE", native)]).unwrap();
            assert_eq!(settings.filter(), file);
        }
    }

    #[test]
    fn a_port_that_cannot_be_used_is_refused_by_the_name_that_make_knows() {
        for port in ["0", "65536", "-1", "http", "80 80"] {
            assert_eq!(
                read(&[("CANARY_BLUE_PORT", port)]).unwrap_err(),
                format!("BLUE_PORT is `{port}`, but a port is a number from 1 to 65535")
            );
        }
        assert_eq!(
            read(&[("CANARY_PORT", "8082")]).unwrap_err(),
            "PORT and GREEN_PORT are both 8082: give them different ports"
        );
    }
}
