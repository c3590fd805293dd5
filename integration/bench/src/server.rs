//! The Envoy that is measured.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use harness::{Meter, Scratch};
use launch::{Binary, Process, envoy, http1};
use serde_json::Value;

use crate::load::Load;
use crate::variant::Variant;
use crate::{Trouble, bootstrap, upstream};

/// The longest time that Envoy may take until it is ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// An Envoy that uses less than [`IDLE`] of CPU time in [`LOOK`] has nothing left to do.
const IDLE: Duration = Duration::from_millis(2);
const LOOK: Duration = Duration::from_millis(200);

/// An Envoy with a listener for each variant.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) meter: Meter,
    /// The time from the start until Envoy was ready.
    pub(crate) ready_after: Duration,
    admin: SocketAddr,
    listeners: BTreeMap<String, SocketAddr>,
    _process: Process,
    _dir: Scratch,
}

impl Server {
    /// With one worker.
    pub(crate) fn start(variants: &[Variant]) -> Result<Self, Trouble> {
        Self::with_workers(variants, 1)
    }

    pub(crate) fn with_workers(variants: &[Variant], workers: usize) -> Result<Self, Trouble> {
        let dir = Scratch::new();
        let upstreams = [upstream::start("blue")?, upstream::start("green")?];
        let file = dir.join("bench.yaml");
        fs::write(&file, bootstrap::of(variants, upstreams, &dir)?.to_string())?;
        let mut command = Command::new(Binary::Envoy.find()?);
        command
            .arg("-c")
            .arg(&file)
            .arg("--admin-address-path")
            .arg(dir.join("admin"));
        command.args(["--concurrency", &workers.to_string()]);
        let started = Instant::now();
        let mut process = envoy::start(command, &dir.join("envoy.log"))?;
        let admin = loop {
            let admin = fs::read_to_string(dir.join("admin"))
                .ok()
                .and_then(|text| text.trim().parse().ok());
            if let Some(admin) = admin.filter(|admin| envoy::ready(*admin)) {
                break admin;
            }
            if let Some(ended) = process.ended() {
                return Err(format!("Envoy has ended ({}):\n{}", ended.status, ended.log).into());
            }
            if started.elapsed() > PATIENCE {
                return Err(
                    format!("Envoy is not ready after {PATIENCE:?}:\n{}", process.log()).into(),
                );
            }
            thread::sleep(Duration::from_millis(1));
        };
        let ready_after = started.elapsed();
        let listeners = listeners(admin)?;
        Ok(Self {
            meter: Meter::of_envoy(&file)?,
            ready_after,
            admin,
            listeners,
            _process: process,
            _dir: dir,
        })
    }

    /// Opens connections to the variant's listener.
    pub(crate) fn load(&self, variant: &Variant) -> Result<Load, Trouble> {
        let address = self
            .listeners
            .get(&variant.name)
            .ok_or("a listener is missing")?;
        Ok(Load::open(*address, variant.grpc)?)
    }

    /// The bytes that Envoy and the native module have allocated, which share an allocator. The memory of virtual machines
    /// is not among them.
    pub(crate) fn heap(&self) -> Result<u64, Trouble> {
        let page: Value = serde_json::from_str(&http1::get(self.admin, "/memory")?.body)?;
        let allocated = page["allocated"].as_str().ok_or("/memory has no number")?;
        Ok(allocated.parse()?)
    }
}

/// Waits until Envoy has nothing to do: its workers may take their configuration after Envoy is ready.
pub(crate) fn settle(meter: &Meter) -> Result<(), Trouble> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let before = meter.run_time()?;
        thread::sleep(LOOK);
        if meter.run_time()? - before < IDLE {
            return Ok(());
        }
    }
    Err(format!("Envoy is still busy after {PATIENCE:?}").into())
}

fn listeners(admin: SocketAddr) -> Result<BTreeMap<String, SocketAddr>, Trouble> {
    let page: Value = serde_json::from_str(&http1::get(admin, "/listeners?format=json")?.body)?;
    let statuses = page["listener_statuses"]
        .as_array()
        .ok_or("Envoy has no listeners")?;
    let each = statuses.iter().map(|status| {
        let socket = &status["local_address"]["socket_address"];
        let address = format!(
            "{}:{}",
            socket["address"].as_str().unwrap_or_default(),
            socket["port_value"]
        );
        Ok((
            status["name"].as_str().unwrap_or_default().to_owned(),
            address.parse()?,
        ))
    });
    each.collect()
}
