//! `canary status`: several admin interfaces, `kubectl port-forward`, and the end by a signal.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests: they wait for programs"
)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::admin::{admin, serve};
use support::{Folder, Said};

/// An address at which nothing listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[test]
fn a_proxy_that_is_not_there_is_one_line_and_the_others_are_shown() {
    let (there, gone) = (admin("rolled-back.stats.json", "ecds.json"), nobody());
    let said = Folder::new().canary(["status", &there, &gone]);
    assert_eq!(said.status, 1);
    assert_eq!(
        said.stderr,
        format!("http://{gone}: cannot be reached: Connection refused\n")
    );
    assert!(said.stdout.contains("green-sub"), "{}", said.stdout);
}

#[test]
fn a_rollback_is_shown_and_is_not_a_failure() {
    let there = admin("rolled-back.stats.json", "ecds.json");
    let said = Folder::new().canary(["status", &there]);
    assert_eq!((said.status, said.stderr.as_str()), (0, ""));
    let row = said.stdout.lines().last().unwrap();
    let cells: Vec<_> = row
        .split("  ")
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect();
    assert_eq!(
        cells,
        ["color", "green-sub", "0 %", "16", "16 (100 %)", "yes"]
    );
    assert!(!said.stdout.contains('\x1b'), "{}", said.stdout);
}

#[test]
fn a_refused_configuration_fails_with_its_reason() {
    let there = admin("refused.stats.json", "refused.ecds.json");
    let said = Folder::new().canary(["status", &there, "--output", "json"]);
    assert_eq!((said.status, said.stderr.as_str()), (1, ""));
    let json: Value = serde_json::from_str(&said.stdout).unwrap();
    let plugin = &json["proxies"][0]["plugins"][0];
    assert_eq!(plugin["configuration"], "refused");
    assert_eq!(plugin["reason"], "http[0].route[1].weight: -5 is negative");
}

#[test]
fn a_server_that_is_not_envoy_is_one_line() {
    let other = serve(|_| b"<html>".to_vec());
    let said = Folder::new().canary(["status", &other]);
    let line =
        format!("http://{other}: the answer to /stats is not that of Envoy's admin interface");
    assert_eq!(said, Said::refused(&line));
}

#[test]
fn a_proxy_that_does_not_answer_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let said = Folder::new().canary(["status", &address, "--timeout", "1"]);
    assert_eq!(
        said,
        Said::refused(&format!("http://{address}: does not answer in time"))
    );
}

#[test]
fn without_a_url_or_with_a_wrong_one_the_usage_is_wrong() {
    for arguments in [
        &["status"][..],
        &["status", "https://a:1"],
        &["status", "--kube", "a"],
        &["status", "a:1", "--watch=0"],
        &["status", "a:1", "--admin-port", "1"],
    ] {
        let said = Folder::new().canary(arguments);
        assert_eq!(
            (said.status, said.stdout.as_str()),
            (2, ""),
            "{arguments:?}"
        );
        assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
    }
}

/// A `kubectl` with two pods, which are forwarded to these ports; the process ids of its forwards are in `pids`.
fn kubectl(ports: [&str; 2], fails: &str) -> Folder {
    let [a, b] = ports;
    let script = format!(
        r#"#!/bin/sh
case "$1 {fails}" in
"get get") echo "Error from server (Forbidden): pods is forbidden" >&2; exit 1 ;;
"get "*) echo "$*" >calls; printf 'pod/gateway-a\npod/gateway-b\n'; exit ;;
esac
echo $$ >>pids
case "$* {fails}" in
"port-forward --namespace istio-system --address 127.0.0.1 pod/gateway-b :15000 forward")
  echo "error: unable to forward port because pod is not running" >&2; exit 1 ;;
*"pod/gateway-a :15000 {fails}") echo "Forwarding from 127.0.0.1:{a} -> 15000" ;;
*"pod/gateway-b :15000 {fails}") echo "Forwarding from 127.0.0.1:{b} -> 15000" ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
exec sleep 60
"#
    );
    let folder = Folder::with("kubectl", script);
    let path = folder.path("kubectl");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn with_kubectl(folder: &Folder, arguments: &[&str]) -> Command {
    let path = std::env::var("PATH").unwrap();
    let mut command = folder.command();
    command
        .env("PATH", format!("{}:{path}", folder.root().display()))
        .args([
            "status",
            "--kube",
            "istio-system/app.kubernetes.io/name=gateway",
        ])
        .args(arguments);
    command
}

fn port(address: &str) -> &str {
    address.split_once(':').unwrap().1
}

/// Every forward has ended.
fn all_ended(folder: &Folder, count: usize) {
    let pids = folder.read("pids");
    assert_eq!(pids.lines().count(), count, "{pids}");
    for pid in pids.lines() {
        assert!(!PathBuf::from("/proc").join(pid).exists(), "{pid} runs");
    }
}

#[test]
fn every_pod_of_the_gateway_is_asked_and_the_forwards_end() {
    let (a, b) = (
        admin("rolled-back.stats.json", "ecds.json"),
        admin("rolled-back.stats.json", "ecds.json"),
    );
    let folder = kubectl([port(&a), port(&b)], "");
    let said: Said = with_kubectl(&folder, &[]).output().unwrap().into();
    assert_eq!((said.status, said.stderr.as_str()), (0, ""), "{said:?}");
    assert!(
        said.stdout.contains("gateway-a") && said.stdout.contains("all 2"),
        "{}",
        said.stdout
    );
    assert_eq!(
        folder.read("calls"),
        "get pods --namespace istio-system --selector app.kubernetes.io/name=gateway --field-selector status.phase=Running --output name\n"
    );
    all_ended(&folder, 2);
}

#[test]
fn what_kubectl_complains_of_is_passed_on_and_the_other_forwards_end() {
    let a = admin("rolled-back.stats.json", "ecds.json");
    let folder = kubectl([port(&a), "1"], "forward");
    let said: Said = with_kubectl(&folder, &[]).output().unwrap().into();
    assert_eq!(
        (said.status, said.stderr.as_str()),
        (
            1,
            "gateway-b: kubectl port-forward: error: unable to forward port because pod is not running\n"
        )
    );
    assert!(said.stdout.contains("gateway-a"), "{}", said.stdout);
    all_ended(&folder, 2);

    let folder = kubectl(["1", "2"], "get");
    let said: Said = with_kubectl(&folder, &[]).output().unwrap().into();
    let line = "istio-system/app.kubernetes.io/name=gateway: kubectl get pods: Error from server (Forbidden): pods is forbidden";
    assert_eq!(said, Said::refused(line));
}

#[test]
fn without_kubectl_one_line_says_so() {
    let folder = Folder::new();
    let mut command = with_kubectl(&folder, &[]);
    let said: Said = command.env("PATH", folder.root()).output().unwrap().into();
    assert_eq!(said.status, 1);
    assert!(
        said.stderr.contains("kubectl cannot be run: "),
        "{}",
        said.stderr
    );
    assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
}

/// Sends a signal and returns the exit status.
fn ended_by(mut child: Child, signal: &str) -> Option<i32> {
    let id = child.id().to_string();
    let sent = Command::new("kill").args([signal, &id]).status().unwrap();
    assert!(sent.success());
    let end = Instant::now() + Duration::from_secs(20);
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < end, "it runs on after {signal}");
        thread::sleep(Duration::from_millis(20));
    }
    child.wait().unwrap().code()
}

#[test]
fn a_watch_goes_on_until_ctrl_c_and_ends_its_forwards() {
    for (signal, status) in [("-INT", 0), ("-TERM", 143)] {
        let a = admin("rolled-back.stats.json", "ecds.json");
        let b = admin("refused.stats.json", "refused.ecds.json");
        let folder = kubectl([port(&a), port(&b)], "");
        let mut command = with_kubectl(&folder, &["--watch=1", "--output", "json"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for _ in 0..2 {
            let json: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
            let version = &json["proxies"][0]["versions"][1];
            assert!(version["rolledBackBefore"].is_string(), "{json}");
        }
        assert_eq!(ended_by(child, signal), Some(status));
        all_ended(&folder, 2);
    }
}
