//! The server from which the module comes: a file, or an image in a registry.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use harness::{Binary, Scratch};
use serde_json::json;

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// The wasm module as a file.
pub(crate) const WASM: &str = "/plugin.wasm";
/// The native module as a file.
pub(crate) const NATIVE: &str = "/libcanary.so";
/// A redirect to it.
pub(crate) const MOVED: &str = "/moved.so";
/// The name and the tag of the image with the wasm module.
pub(crate) const IMAGE: &str = "canary-filter";
pub(crate) const TAG: &str = "0.1.0";

/// The status and the next header of a redirect to [`NATIVE`].
const REDIRECT: &str = "302 Found\r\nlocation: /libcanary.so";

/// What the server has at a path.
struct Content {
    kind: &'static str,
    body: Vec<u8>,
    checksum: String,
}

impl Content {
    fn read(kind: &'static str, file: &Path) -> Self {
        Self {
            kind,
            body: fs::read(file).unwrap(),
            checksum: sha256(file),
        }
    }
}

/// An HTTP server that has the wasm module as a file and as an image, and the native module as a file.
pub(crate) struct Modules {
    pub(crate) address: SocketAddr,
    contents: Arc<BTreeMap<String, Content>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Modules {
    pub(crate) fn serve() -> Self {
        let contents = Arc::new(contents());
        let asked = Arc::default();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let modules = Self {
            address,
            contents: Arc::clone(&contents),
            asked: Arc::clone(&asked),
        };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &contents, &asked);
            }
        });
        modules
    }

    /// The SHA-256 of what is at a path.
    pub(crate) fn checksum(&self, path: &str) -> &str {
        &self.contents[path].checksum
    }

    /// How often the path was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|other| *other == path).count()
    }
}

fn contents() -> BTreeMap<String, Content> {
    let found = |binary: Binary| binary.find().unwrap_or_else(|missing| panic!("{missing}"));
    let plugin = found(Binary::Plugin);
    let dir = Scratch::new();
    fs::copy(&plugin, dir.join("plugin.wasm")).unwrap();
    // As `istio/Dockerfile` makes it: one layer with this one file.
    let layer = dir.join("layer");
    let made = Command::new("tar")
        .args(["--create", "--gzip", "--file"])
        .args([&layer, Path::new("--directory"), &dir.join("")])
        .arg("plugin.wasm")
        .status();
    assert!(made.unwrap().success());
    let layer = Content::read(LAYER, &layer);
    let digest = format!("sha256:{}", layer.checksum);
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        // Nobody asks for it.
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": 2,
            "digest": format!("sha256:{}", "0".repeat(64))
        },
        "layers": [{"mediaType": LAYER, "size": layer.body.len(), "digest": digest}]
    });
    fs::write(dir.join("manifest"), manifest.to_string()).unwrap();
    let registry = |what: &str, which: &str| format!("/v2/{IMAGE}/{what}/{which}");
    let file = "application/octet-stream";
    BTreeMap::from([
        (WASM.to_owned(), Content::read(file, &plugin)),
        (
            NATIVE.to_owned(),
            Content::read(file, &found(Binary::Native)),
        ),
        (
            registry("manifests", TAG),
            Content::read(MANIFEST, &dir.join("manifest")),
        ),
        (registry("blobs", &digest), layer),
    ])
}

fn answer(mut stream: TcpStream, contents: &BTreeMap<String, Content>, asked: &Mutex<Vec<String>>) {
    let mut head = BufReader::new(&stream).lines().map_while(Result::ok);
    let request = head.next().unwrap_or_default();
    let _ = head.take_while(|line| !line.is_empty()).count();
    let path = request.split(' ').nth(1).unwrap_or_default();
    asked.lock().unwrap().push(path.to_owned());
    let (status, kind, body) = match contents.get(path) {
        Some(content) => ("200 OK", content.kind, content.body.as_slice()),
        // By this, a registry says that it is one.
        None if path == "/v2/" => ("200 OK", "application/json", &b"{}"[..]),
        None if path == MOVED => (REDIRECT, "text/plain", &b""[..]),
        None => ("404 Not Found", "text/plain", &b""[..]),
    };
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    let _ = stream.write_all(body);
}

fn sha256(file: &Path) -> String {
    let output = Command::new("sha256sum").arg(file).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    said.split_whitespace().next().unwrap().to_owned()
}
