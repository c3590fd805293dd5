//! The settings from the environment, and their defaults.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};
use std::{env, fmt, fs};

use crate::color::Color;

/// Every interface, because a container's address is not known in advance.
const DEFAULT_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
/// The usual port of a service without privileges.
const DEFAULT_PORT: u16 = 8080;
const DEFAULT_COLOR: &str = "blue";

/// The files in which Linux keeps the host's name, the current one first.
const HOST_NAME_FILES: [&str; 2] = ["/proc/sys/kernel/hostname", "/etc/hostname"];

/// All settings.
pub(crate) struct Settings {
    pub(crate) color: Color,
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    pub(crate) host: String,
    /// Whether `PUT /color/faults` may make this version bad.
    pub(crate) faults: bool,
}

impl Settings {
    pub(crate) fn from_environment() -> Result<Self, InvalidSetting> {
        Self::read(|name| env::var_os(name), system_host_name)
    }

    /// An empty variable counts as absent, because compose and shells pass an unset one as empty. An address, a port and
    /// the switch for faults can be invalid; other values are shown as far as they are text.
    fn read(
        variable: impl Fn(&str) -> Option<OsString>,
        host_name: impl FnOnce() -> Option<String>,
    ) -> Result<Self, InvalidSetting> {
        let text = |name| {
            variable(name)
                .filter(|value| !value.is_empty())
                .map(|value| value.to_string_lossy().into_owned())
        };
        let address = match text("HOST") {
            None => DEFAULT_ADDRESS,
            Some(value) => value.parse().map_err(|_| InvalidSetting::Address(value))?,
        };
        let port = match text("PORT") {
            None => DEFAULT_PORT,
            Some(value) => value.parse().map_err(|_| InvalidSetting::Port(value))?,
        };
        Ok(Self {
            color: Color::new(text("COLOR").as_deref().unwrap_or(DEFAULT_COLOR)),
            address,
            port,
            host: text("HOSTNAME")
                .or_else(host_name)
                .unwrap_or_else(|| "unknown".to_owned()),
            faults: match text("COLOR_FAULTS").as_deref() {
                None | Some("off") => false,
                Some("on") => true,
                Some(other) => return Err(InvalidSetting::Faults(other.to_owned())),
            },
        })
    }
}

/// A variable with an invalid value.
#[derive(Debug)]
pub(crate) enum InvalidSetting {
    Address(String),
    Port(String),
    Faults(String),
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(text) => {
                write!(f, "HOST must be an IP address to listen on, not {text:?}")
            }
            Self::Port(text) => write!(f, "PORT must be a number from 0 to 65535, not {text:?}"),
            Self::Faults(text) => write!(f, "COLOR_FAULTS must be on or off, not {text:?}"),
        }
    }
}

fn system_host_name() -> Option<String> {
    HOST_NAME_FILES
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .map(|name| name.trim().to_owned())
        .find(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        variables: &[(&str, &str)],
        host_name: Option<&str>,
    ) -> Result<Settings, InvalidSetting> {
        let variable = |name: &str| {
            let (_, value) = variables.iter().find(|(variable, _)| *variable == name)?;
            Some(OsString::from(value))
        };
        Settings::read(variable, || host_name.map(str::to_owned))
    }

    #[test]
    fn absent_and_empty_variables_mean_the_defaults() {
        let empty = [
            ("COLOR", ""),
            ("HOST", ""),
            ("PORT", ""),
            ("HOSTNAME", ""),
            ("COLOR_FAULTS", ""),
        ];
        for variables in [&[][..], &empty] {
            let settings = read(variables, Some("box")).unwrap();
            assert_eq!(settings.color.text(), "blue");
            assert_eq!(settings.address.to_string(), "0.0.0.0");
            assert_eq!(settings.port, 8080);
            assert_eq!(settings.host, "box");
        }
    }

    #[test]
    fn variables_win_over_the_defaults() {
        let variables = [
            ("COLOR", "green"),
            ("HOST", "::1"),
            ("PORT", "81"),
            ("HOSTNAME", "pod-1"),
        ];
        let settings = read(&variables, Some("box")).unwrap();
        assert_eq!(settings.color.text(), "green");
        assert_eq!(settings.address.to_string(), "::1");
        assert_eq!(settings.port, 81);
        assert_eq!(settings.host, "pod-1");
    }

    #[test]
    fn faults_are_off_unless_they_are_on() {
        for (text, on) in [("", false), ("off", false), ("on", true)] {
            let settings = read(&[("COLOR_FAULTS", text)], None).unwrap();
            assert_eq!(settings.faults, on, "{text:?}");
        }
        for text in ["yes", "ON", "1", "on "] {
            let error = read(&[("COLOR_FAULTS", text)], None).err().unwrap();
            let expected = format!("COLOR_FAULTS must be on or off, not {text:?}");
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_host_without_a_name_is_unknown() {
        assert_eq!(read(&[], None).unwrap().host, "unknown");
    }

    #[test]
    fn an_invalid_address_is_refused_with_its_text() {
        for address in ["localhost", "127.0.0.1:80", "[::1]", "256.0.0.1", "1\n2"] {
            let error = read(&[("HOST", address)], None).err().unwrap().to_string();
            assert_eq!(
                error,
                format!("HOST must be an IP address to listen on, not {address:?}")
            );
        }
    }

    #[test]
    fn a_port_out_of_range_or_not_a_number_is_refused_with_its_text() {
        for port in ["65536", "-1", "http", "80 ", "8080/tcp", "1\n2"] {
            let error = read(&[("PORT", port)], None).err().unwrap().to_string();
            assert!(error.starts_with("PORT must be a number"), "{error}");
            assert!(error.contains(&format!("{port:?}")), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}
