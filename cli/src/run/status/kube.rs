//! The pods of a gateway, through `kubectl port-forward`: Istio's admin interface listens on 127.0.0.1 of the pod only.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use super::children::Children;
use super::fetch::Target;
use crate::run::kubectl::{joined, kubectl, not_run};

/// Which pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pods {
    namespace: String,
    selector: String,
}

/// The pods that are forwarded to.
pub(super) struct Kube {
    pods: Pods,
    port: u16,
    timeout: Duration,
    children: Arc<Children>,
    /// By the name of the pod.
    forwards: BTreeMap<String, Forward>,
}

/// A running `kubectl port-forward`.
struct Forward {
    child: u32,
    url: String,
}

/// One that has been started, and the line that it prints when it listens, or what it complains of.
struct Started {
    child: u32,
    said: Receiver<Result<String, String>>,
}

impl FromStr for Pods {
    type Err = String;

    /// A label's name may have a `/`, and a namespace cannot.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((namespace, selector))
                if !namespace.is_empty() && !selector.is_empty() && !namespace.starts_with('-') =>
            {
                Ok(Self {
                    namespace: namespace.to_owned(),
                    selector: selector.to_owned(),
                })
            }
            _ => Err(
                "it must be NAMESPACE/SELECTOR, such as istio-system/istio=ingressgateway"
                    .to_owned(),
            ),
        }
    }
}

impl Kube {
    pub(super) fn new(pods: Pods, port: u16, timeout: Duration, children: Arc<Children>) -> Self {
        Self {
            pods,
            port,
            timeout,
            children,
            forwards: BTreeMap::new(),
        }
    }

    /// What was asked for, in messages.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.pods.namespace, self.pods.selector)
    }

    /// Every running pod with the URL of its admin interface on this machine, or why it has none.
    ///
    /// # Errors
    /// The pods cannot be listed, or there are none.
    pub(super) fn forwarded(&mut self) -> Result<Vec<Target>, String> {
        let pods = self.list()?;
        let (children, pod_is_there) = (&self.children, |pod: &String| pods.contains(pod));
        self.forwards.retain(|pod, forward| {
            let is_kept = pod_is_there(pod) && children.runs(forward.child);
            if !is_kept {
                children.end_one(forward.child);
            }
            is_kept
        });
        // All are started before any is waited for.
        let new: Vec<_> = pods
            .iter()
            .filter(|pod| !self.forwards.contains_key(*pod))
            .map(|pod| (pod.clone(), self.start(pod)))
            .collect();
        let mut failed = BTreeMap::new();
        for (pod, started) in new {
            match started.and_then(|started| self.listening(started)) {
                Ok(forward) => drop(self.forwards.insert(pod, forward)),
                Err(reason) => drop(failed.insert(pod, reason)),
            }
        }
        let target = |pod: String| {
            let url = match (self.forwards.get(&pod), failed.remove(&pod)) {
                (Some(forward), _) => Ok(forward.url.clone()),
                (None, reason) => Err(reason.unwrap_or_default()),
            };
            (pod, url)
        };
        Ok(pods.into_iter().map(target).collect())
    }

    fn list(&self) -> Result<Vec<String>, String> {
        let arguments = [
            "get",
            "pods",
            "--namespace",
            &self.pods.namespace,
            "--selector",
            &self.pods.selector,
            "--field-selector",
            "status.phase=Running",
            "--output",
            "name",
        ];
        let names = kubectl("get pods", arguments)?;
        let names = String::from_utf8_lossy(&names);
        let names: Vec<_> = names
            .lines()
            .filter_map(|line| line.trim().strip_prefix("pod/"))
            .map(str::to_owned)
            .collect();
        if names.is_empty() {
            return Err("no pod that runs has these labels".to_owned());
        }
        Ok(names)
    }

    /// Starts a `kubectl port-forward` to a port that the system chooses.
    fn start(&self, pod: &str) -> Result<Started, String> {
        let mut child = Command::new("kubectl")
            .args(["port-forward", "--namespace", &self.pods.namespace])
            .args(["--address", "127.0.0.1", &format!("pod/{pod}")])
            .arg(format!(":{}", self.port))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| not_run(&error))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let child = self.children.add(child);
        let (say, said) = channel();
        // It prints a line for every connection, so both pipes are read as long as it runs.
        thread::spawn(move || {
            let complaint = thread::spawn(move || {
                let mut text = Vec::new();
                let _ = stderr.map(|stderr| stderr.take(1 << 16).read_to_end(&mut text));
                joined(&text)
            });
            let mut lines = stdout
                .map(BufReader::new)
                .into_iter()
                .flat_map(BufRead::lines);
            match lines.next() {
                Some(Ok(line)) => {
                    let _ = say.send(Ok(line));
                    lines.for_each(drop);
                }
                _ => {
                    let complaint = complaint.join().unwrap_or_default();
                    let _ = say.send(Err(format!("kubectl port-forward: {complaint}")));
                }
            }
        });
        Ok(Started { child, said })
    }

    /// Waits until it listens.
    fn listening(&self, started: Started) -> Result<Forward, String> {
        let said = started.said.recv_timeout(self.timeout);
        let said = said.unwrap_or_else(|_| Err("kubectl port-forward says nothing".to_owned()));
        let url = said.and_then(|line| {
            let port = port(&line).ok_or_else(|| format!("kubectl port-forward: {line}"))?;
            Ok(format!("http://127.0.0.1:{port}"))
        });
        if url.is_err() {
            self.children.end_one(started.child);
        }
        Ok(Forward {
            child: started.child,
            url: url?,
        })
    }
}

/// The local port in `Forwarding from 127.0.0.1:41255 -> 15000`.
fn port(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("127.0.0.1:")?;
    rest.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_ends_at_the_first_slash() {
        let pods: Pods = "istio-system/app.kubernetes.io/name=gateway"
            .parse()
            .unwrap();
        assert_eq!(pods.namespace, "istio-system");
        assert_eq!(pods.selector, "app.kubernetes.io/name=gateway");
        for text in ["", "a", "/a", "a/", "--all/a"] {
            assert!(text.parse::<Pods>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_local_port_is_in_the_first_line() {
        assert_eq!(
            port("Forwarding from 127.0.0.1:41255 -> 15000"),
            Some(41_255)
        );
        for line in [
            "",
            "Forwarding from [::1]:41255 -> 15000",
            "127.0.0.1:",
            "127.0.0.1:70000 ",
        ] {
            assert_eq!(port(line), None, "{line}");
        }
    }
}
