//! Envoy's admin interface with recorded answers.

#![allow(clippy::panic, clippy::indexing_slicing, reason = "a test's support")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;

pub(crate) fn recorded(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/commands/status/tests");
    fs::read(PathBuf::from(folder).join(name)).unwrap()
}

/// An admin interface with recorded answers, and none about its listeners, which nothing is missing from. Returns its
/// address.
pub(crate) fn admin(stats: &str, dump: &str) -> String {
    answering(recorded(stats), recorded(dump))
}

/// An admin interface with these answers.
pub(crate) fn answering(stats: Vec<u8>, dump: Vec<u8>) -> String {
    serve(move |path| match path {
        path if path.starts_with("/stats?format=json&filter=%5E(") => stats.clone(),
        "/config_dump?resource=ecds_filters" => dump.clone(),
        _ => panic!("{path}"),
    })
}

pub(crate) fn serve(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            respond(&stream.unwrap(), &answer);
        }
    });
    address
}

fn respond(mut stream: &TcpStream, answer: &impl Fn(&str) -> Vec<u8>) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    let body = answer(first.split(' ').nth(1).unwrap());
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(&body));
}
