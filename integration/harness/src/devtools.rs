//! A page in a running browser, driven by the Chrome DevTools Protocol over a pair of pipes.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use launch::Process;
use serde_json::{Value, json};

use crate::Scratch;
use crate::envoy::eventually;

/// The longest wait for an answer of the browser. It needs far less, even on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The shell opens the two pipes, because a browser takes them as descriptors 3 and 4, and then becomes the browser.
const SHELL: &str = r#"exec "$@" 3<"$IN" 4>"$OUT""#;

/// One page in a browser of its own, which ends when the value is dropped.
#[derive(Debug)]
pub struct Tab {
    _process: Process,
    to: File,
    from: Receiver<Value>,
    session: Value,
    sent: u64,
    events: Vec<Value>,
}

impl Tab {
    /// Starts the browser and opens an empty page.
    pub(crate) fn start(browser: &Command, profile: &Scratch) -> Self {
        let [to, from] = ["to", "from"].map(|name| profile.join(name));
        for pipe in [&to, &from] {
            let _ = fs::remove_file(pipe);
            assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
        }
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SHELL, "sh"]).arg(browser.get_program());
        command
            .args(browser.get_args())
            .arg("--remote-debugging-pipe");
        command.env("IN", &to).env("OUT", &from);
        let process = Process::start("Chromium", &command, &profile.join("browser.log")).unwrap();
        // Each of the two waits for the shell's end of its pipe.
        let to = File::options().write(true).open(&to).unwrap();
        let from = read(&from);
        let mut tab = Self {
            _process: process,
            to,
            from,
            session: Value::Null,
            sent: 0,
            events: Vec::new(),
        };
        let target = tab.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        tab.session = tab.call("Target.attachToTarget", attach)["sessionId"].clone();
        for domain in ["Page", "Runtime", "Network", "Log"] {
            tab.call(&format!("{domain}.enable"), json!({}));
        }
        tab
    }

    /// Carries out one command of the protocol and returns its result.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.sent += 1;
        let mut message = json!({"id": self.sent, "method": method, "params": params});
        if self.session.is_string() {
            message["sessionId"] = self.session.clone();
        }
        self.to
            .write_all(format!("{message}\0").as_bytes())
            .unwrap_or_else(|error| panic!("{method}: {error}"));
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let answer = self
                .from
                .recv_timeout(left)
                .unwrap_or_else(|error| panic!("{method}: {error}"));
            if answer["id"] != self.sent {
                self.events.push(answer);
                continue;
            }
            assert!(answer["error"].is_null(), "{method}: {answer}");
            return answer["result"].clone();
        }
    }

    /// Opens the address and waits until the page has loaded.
    pub fn open(&mut self, url: &str) {
        self.call("Page.navigate", json!({"url": url}));
        self.until(&format!(
            "location.href === {} && document.readyState === 'complete'",
            json!(url)
        ));
    }

    /// The value of an expression in the page, after it has settled if it is a promise.
    pub fn value(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let mut answer = self.call("Runtime.evaluate", params);
        let failed = &answer["exceptionDetails"];
        assert!(failed.is_null(), "{expression}: {failed}");
        answer["result"]["value"].take()
    }

    /// The value of an expression that is a text.
    pub fn text(&mut self, expression: &str) -> String {
        let value = self.value(expression);
        value
            .as_str()
            .unwrap_or_else(|| panic!("{expression} is {value}"))
            .to_owned()
    }

    /// Waits until the expression is true.
    pub fn until(&mut self, expression: &str) {
        eventually(expression, || {
            (self.value(&format!("Boolean({expression})")) == true).then_some(())
        });
    }

    /// Presses and releases a key: a name such as `Tab` or `ArrowRight`, or ` `.
    pub fn press(&mut self, key: &str) {
        let code = match key {
            "Tab" => 9,
            " " => 32,
            "End" => 35,
            "Home" => 36,
            "ArrowLeft" => 37,
            "ArrowRight" => 39,
            _ => panic!("no code for {key:?}"),
        };
        let name = if key == " " { "Space" } else { key };
        for kind in ["keyDown", "keyUp"] {
            let mut params = json!({
                "type": kind, "key": key, "code": name, "windowsVirtualKeyCode": code
            });
            if key == " " && kind == "keyDown" {
                params["text"] = json!(" ");
            }
            self.call("Input.dispatchKeyEvent", params);
        }
    }

    /// Makes the window this large, in CSS pixels, at this scale.
    pub fn resize(&mut self, width: u32, height: u32, scale: u32) {
        let params = json!({
            "width": width, "height": height, "deviceScaleFactor": scale, "mobile": false
        });
        self.call("Emulation.setDeviceMetricsOverride", params);
    }

    /// Makes a media feature such as `prefers-color-scheme` have this value.
    pub fn prefer(&mut self, feature: &str, value: &str) {
        let params = json!({"features": [{"name": feature, "value": value}]});
        self.call("Emulation.setEmulatedMedia", params);
    }

    /// The bytes of the heap and the number of DOM nodes that are in use after a collection of garbage.
    pub fn memory(&mut self) -> (u64, u64) {
        self.call("HeapProfiler.collectGarbage", json!({}));
        let heap = self.call("Runtime.getHeapUsage", json!({}));
        let nodes = self.call("Memory.getDOMCounters", json!({}));
        // The protocol has numbers with a fraction.
        let heap = heap["usedSize"].as_f64().unwrap();
        (heap as u64, nodes["nodes"].as_u64().unwrap())
    }

    /// Writes what the window shows into a PNG file.
    pub fn screenshot(&mut self, file: &Path) {
        let image = self.call("Page.captureScreenshot", json!({"format": "png"}));
        fs::write(file, base64(image["data"].as_str().unwrap())).unwrap();
    }

    /// What the browser has reported so far: the parameters of the events of this name.
    pub fn reported(&mut self, event: &str) -> Vec<Value> {
        self.events.extend(self.from.try_iter());
        let events = self.events.iter().filter(|said| said["method"] == event);
        events.map(|said| said["params"].clone()).collect()
    }

    /// The errors and warnings of the page's console, and exceptions that nothing has caught.
    pub fn complaints(&mut self) -> Vec<String> {
        let bad = |level: &Value| *level == "error" || *level == "warning";
        let log = self.reported("Log.entryAdded");
        let log = log.iter().filter(|said| bad(&said["entry"]["level"]));
        let log: Vec<_> = log.map(|said| said["entry"].to_string()).collect();
        let console = self.reported("Runtime.consoleAPICalled");
        let console = console.iter().filter(|said| bad(&said["type"]));
        let console: Vec<_> = console.map(ToString::to_string).collect();
        let thrown = self.reported("Runtime.exceptionThrown");
        let thrown: Vec<_> = thrown.iter().map(ToString::to_string).collect();
        [log, console, thrown].concat()
    }
}

/// The messages of the browser, until it closes the pipe.
fn read(pipe: &Path) -> Receiver<Value> {
    let mut pipe = BufReader::new(File::open(pipe).unwrap());
    let (said, heard) = mpsc::channel();
    thread::spawn(move || {
        loop {
            let mut message = Vec::new();
            match pipe.read_until(0, &mut message) {
                Ok(length) if length > 0 => {}
                _ => return,
            }
            message.pop();
            let Ok(message) = serde_json::from_slice(&message) else {
                return;
            };
            if said.send(message).is_err() {
                return;
            }
        }
    });
    heard
}

/// The bytes of a text in base64 (RFC 4648, section 4).
fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0u32, 0u32);
    for digit in text.bytes().take_while(|digit| *digit != b'=') {
        let value = DIGITS.iter().position(|known| *known == digit).unwrap();
        bits = (bits << 6 | u32::try_from(value).unwrap()) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).unwrap());
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        let vectors = [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ];
        for (text, bytes) in vectors {
            assert_eq!(base64(text), bytes.as_bytes());
        }
        assert_eq!(base64("//79"), [255, 254, 253]);
    }
}
