//! `canary explain`.

use std::net::IpAddr;
use std::path::PathBuf;

use canary::{Explained, HttpRequest, Question, Unusable, explain};
use serde::Serialize;

use crate::output::{Output, content, is_json, print_json, print_styled, shown, unix_seconds};
use crate::run::{Ended, Usage, refused, time};

/// Explain which rule takes a request and which version it gets
///
/// Names the rule that matches, the condition that fails in each rule before it, the key of the user and where it comes
/// from, the share and the score of each destination, and the headers that the filter writes. The filter's own code decides.
/// Where chance decides, the command says so and shows what is possible.
#[derive(Debug, clap::Args)]
#[command(
    after_long_help = "Examples:\n  $ canary explain envoy/canary.yaml --path /color --header x-user-id=ada\n  $ canary explain canary.yaml --curl \"curl 'https://shop.example.com/color' -H 'x-user-id: ada'\" --at 2026-12-01T10:00:00Z --out green-sub"
)]
pub(crate) struct Arguments {
    /// The file with the configuration; `-` reads standard input
    file: PathBuf,
    /// The path with its query, as Envoy has normalized it
    #[arg(long, required_unless_present = "curl", value_parser = path)]
    path: Option<String>,
    /// The request as a curl command, as browsers copy it
    #[arg(
        long,
        value_name = "COMMAND",
        value_parser = HttpRequest::from_curl,
        conflicts_with_all = ["path", "method", "scheme", "authority", "headers", "cookies"]
    )]
    curl: Option<HttpRequest>,
    /// The method
    #[arg(long, default_value = "GET")]
    method: String,
    /// The scheme: http or https
    #[arg(long, default_value = "http", value_parser = ["http", "https"])]
    scheme: String,
    /// The host, with its port if the client sends one
    #[arg(long)]
    authority: Option<String>,
    /// A header, as NAME=VALUE or `NAME: VALUE`
    #[arg(long = "header", value_name = "NAME=VALUE")]
    headers: Vec<String>,
    /// Cookies, as `NAME=VALUE; NAME=VALUE`
    #[arg(long = "cookie", value_name = "NAME=VALUE")]
    cookies: Vec<String>,
    /// The client's address that the proxy trusts
    #[arg(long, value_name = "ADDRESS")]
    source_ip: Option<IpAddr>,
    /// When, as 2026-12-01T09:00:00Z; a ramp has the weights of this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<i64>,
    /// A destination that is rolled back, by its label
    #[arg(long, value_name = "LABEL")]
    out: Vec<String>,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Serialize)]
struct Report<'e> {
    file: String,
    configurations: &'e [Explained],
}

pub(crate) fn run(arguments: Arguments) -> Result<Ended, Usage> {
    let (file, output) = (arguments.file.clone(), arguments.output);
    let name = shown(&file);
    let question = question(arguments).map_err(|reason| Usage(format!("explain: {reason}")))?;
    let content = match content(&file) {
        Ok(content) => content,
        Err(fault) => return Ok(refused(&name, &[fault])),
    };
    let explained = match explain(&content, is_json(&file), &question) {
        Ok(explained) => explained,
        Err(canary::Refused::File(faults)) => return Ok(refused(&name, &faults)),
        Err(canary::Refused::Argument(reason)) => return Err(Usage(format!("explain: {reason}"))),
    };
    Ok(Ended::of(match output {
        Output::Json => print_json(&Report {
            file: name,
            configurations: &explained,
        }),
        Output::Text => {
            let is_only = explained.len() == 1;
            let text = |it: &Explained| match is_only {
                true => it.text(&name),
                false => format!("{name}:{}:\n{}", it.line, it.text(&name)),
            };
            let texts: Vec<_> = explained.iter().map(text).collect();
            print_styled(&texts.join("\n"))
        }
    }))
}

fn question(arguments: Arguments) -> Result<Question, Unusable> {
    let mut request = match arguments.curl {
        Some(request) => request,
        None => HttpRequest {
            method: arguments.method,
            scheme: arguments.scheme,
            authority: arguments.authority,
            ..HttpRequest::get(arguments.path.unwrap_or_default())
        },
    };
    for header in &arguments.headers {
        request.add_header(header)?;
    }
    for cookie in &arguments.cookies {
        request.add_cookie(cookie);
    }
    request.source_ip = arguments.source_ip;
    Ok(Question {
        request,
        at: arguments.at.unwrap_or_else(unix_seconds),
        out: arguments.out,
    })
}

fn path(text: &str) -> Result<String, &'static str> {
    if text.starts_with('/') || text == "*" {
        Ok(text.to_owned())
    } else {
        Err("a path begins with `/`")
    }
}
