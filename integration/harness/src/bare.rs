//! An Envoy with a bootstrap that is not the shipped one.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use launch::http1;
use launch::{Binary, Ended, Process};
use serde_json::Value;

use crate::Scratch;
use crate::envoy::admin_when_ready;

/// A running Envoy with one worker, for tests that write the whole bootstrap.
#[derive(Debug)]
pub struct BareEnvoy {
    admin: SocketAddr,
    listeners: BTreeMap<String, SocketAddr>,
    _process: Process,
    _dir: Scratch,
}

impl BareEnvoy {
    /// Starts an Envoy that may refuse to start. `dir` has what the bootstrap refers to, and lives as long as Envoy.
    ///
    /// # Errors
    /// Envoy ended before it was ready.
    pub fn try_start(bootstrap: &Value, dir: Scratch) -> Result<Self, Ended> {
        fs::write(dir.join("envoy.json"), bootstrap.to_string()).unwrap();
        let mut command = Command::new(
            Binary::Envoy
                .find()
                .unwrap_or_else(|missing| panic!("{missing}")),
        );
        command
            .arg("-c")
            .arg(dir.join("envoy.json"))
            .arg("--admin-address-path")
            .arg(dir.join("admin"));
        command.args([
            "--concurrency",
            "1",
            "--use-dynamic-base-id",
            "--log-level",
            "error",
        ]);
        let mut process = Process::start("Envoy", &command, &dir.join("envoy.log")).unwrap();
        let admin = admin_when_ready(&mut process, &dir.join("admin"))?;
        Ok(Self {
            admin,
            listeners: listeners(admin),
            _process: process,
            _dir: dir,
        })
    }

    /// The address of the admin interface.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// The addresses of the listeners by their names.
    pub fn listeners(&self) -> &BTreeMap<String, SocketAddr> {
        &self.listeners
    }
}

fn listeners(admin: SocketAddr) -> BTreeMap<String, SocketAddr> {
    let page = http1::get(admin, "/listeners?format=json").unwrap().body;
    let page: Value = serde_json::from_str(&page).unwrap();
    let address = |listener: &Value| -> Option<(String, SocketAddr)> {
        let port = listener["local_address"]["socket_address"]["port_value"].as_u64()?;
        Some((
            listener["name"].as_str()?.to_owned(),
            SocketAddr::from(([127, 0, 0, 1], port.try_into().ok()?)),
        ))
    };
    let statuses = page["listener_statuses"].as_array().into_iter().flatten();
    statuses.filter_map(address).collect()
}
