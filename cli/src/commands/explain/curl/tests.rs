use super::*;

/// The request as curl prints it with `-v`.
fn sent(command: &str) -> String {
    match HttpRequest::from_curl(command) {
        Ok(request) => {
            let headers = request.headers.iter();
            let headers: String = headers
                .map(|(name, value)| format!("\n{name}: {value}"))
                .collect();
            request.summary() + &headers
        }
        Err(reason) => reason.to_string(),
    }
}

#[test]
fn a_copied_command_is_the_request_that_it_sends() {
    let usual = "\naccept: */*\nuser-agent: curl/8.0.0";
    for (command, start, headers) in [
        ("curl shop/color", "GET http://shop/color", ""),
        ("curl http://shop", "GET http://shop/", ""),
        (
            "/usr/bin/curl 'http://shop?a=b#c'",
            "GET http://shop/?a=b",
            "",
        ),
        (
            "curl https://shop:443/a/./b/../c",
            "GET https://shop/a/c",
            "",
        ),
        (
            "curl --path-as-is http://shop:8080/a/../c",
            "GET http://shop:8080/a/../c",
            "",
        ),
        ("curl -sSLXPUT -k --url shop/", "PUT http://shop/", ""),
        (
            "curl -I shop --max-time 5 -o /dev/null",
            "HEAD http://shop/",
            "",
        ),
        ("curl shop -G -d a=b -d c=d", "GET http://shop/?a=b&c=d", ""),
        ("curl shop -H 'Host: other'", "GET http://other/", ""),
        ("curl -- shop", "GET http://shop/", ""),
        (
            "curl shop -b 'a=1; b=2' --cookie c=3",
            "GET http://shop/",
            "\ncookie: a=1; b=2; c=3",
        ),
        (
            "curl shop -u me:secret",
            "GET http://shop/",
            "\nauthorization: Basic bWU6c2VjcmV0",
        ),
        (
            "curl me:secret@shop",
            "GET http://shop/",
            "\nauthorization: Basic bWU6c2VjcmV0",
        ),
        (
            "curl shop --compressed",
            "GET http://shop/",
            "\naccept-encoding: deflate, gzip, br, zstd",
        ),
        (
            "curl shop -d a=b",
            "POST http://shop/",
            "\ncontent-type: application/x-www-form-urlencoded",
        ),
        (
            "curl shop -F a=b -XPATCH",
            "PATCH http://shop/",
            "\ncontent-type: multipart/form-data",
        ),
        ("curl shop -T file", "PUT http://shop/", ""),
        (
            "curl shop -e http://x/ -H 'x-empty;' -H'x-a:1'",
            "GET http://shop/",
            "\nreferer: http://x/\nx-empty: \nx-a: 1",
        ),
        (
            "curl shop --request=DELETE --no-compressed",
            "DELETE http://shop/",
            "",
        ),
    ] {
        assert_eq!(
            sent(command),
            format!("{start}{headers}{usual}"),
            "{command}"
        );
    }
}

#[test]
fn headers_that_are_given_replace_curls_own() {
    for (command, headers) in [
        (
            "curl shop -A me -H 'Accept: text/html'",
            "\nuser-agent: me\naccept: text/html",
        ),
        ("curl shop -H User-Agent: -H 'accept:'", ""),
        (
            "curl shop --json '{}'",
            "\naccept: application/json\ncontent-type: application/json\nuser-agent: curl/8.0.0",
        ),
    ] {
        let sent = sent(command);
        assert_eq!(
            sent.split_once('\n').map_or("", |(_, rest)| rest),
            headers.trim_start(),
            "{command}"
        );
    }
}

#[test]
fn what_a_browser_copies_is_understood() {
    let command = r#"curl 'https://shop.example.com/color?q=1' \
  -H 'accept: */*' \
  -H 'sec-ch-ua: "Chromium";v="142"' \
  -b $'id=4f\u0021; theme=dark' \
  -H 'user-agent: Mozilla/5.0 (X11; Linux x86_64)' \
  --data-raw $'{\'a\': 1}' --compressed"#;
    let request = HttpRequest::from_curl(command).unwrap();
    assert_eq!(request.summary(), "POST https://shop.example.com/color?q=1");
    let cookie = request.headers.iter().find(|(name, _)| name == "cookie");
    assert_eq!(cookie.unwrap().1, "id=4f!; theme=dark");
}

#[test]
fn what_cannot_be_understood_is_refused_in_one_line() {
    for (command, reason) in [
        ("", "it does not begin with `curl`"),
        ("wget shop", "it does not begin with `curl`"),
        ("curl", "it has no URL"),
        ("curl a b", "it has more than one URL"),
        ("curl 'a", "a quotation does not end"),
        (
            "curl shop --frobnicate",
            "the option `--frobnicate` is not known",
        ),
        ("curl shop -sQq", "the option `-Q` is not known"),
        ("curl shop -H", "`-H` has no value"),
        ("curl shop -H abc", "`abc` is not a header"),
        ("curl shop -H @file", "`-H @file` reads a file of headers"),
        ("curl shop -b jar", "`-b jar` reads a file of cookies"),
        ("curl ftp://shop", "`ftp://shop` is not an http URL"),
        ("curl http://", "`http://` is not a URL"),
        ("curl 'http://shop/a b'", "`http://shop/a b` is not a URL"),
        ("curl shop --X GET", "the option `--X` is not known"),
    ] {
        assert_eq!(
            sent(command),
            format!("the curl command cannot be used: {reason}"),
            "{command}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn any_line_is_a_request_or_refused(line in r"curl( (-[a-zA-Z#]+|--[a-z-]+|'[^']*'|\$'[^']*'|[a-z:/?#@.=]*|.{0,5})){0,6}") {
        let _ = HttpRequest::from_curl(&line);
    }
}
