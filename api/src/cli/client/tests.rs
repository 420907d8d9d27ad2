//! The client against servers of the tests' own.

use super::*;
use std::{
    io::{Read, Write},
    net::TcpListener,
    thread::JoinHandle,
};

#[test]
fn the_endpoint_is_beside_the_server() {
    for (server, expected) in [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/graphql"),
        ("ws://127.0.0.1:8080", "http://127.0.0.1:8080/graphql"),
        ("https://hooks.example.com/", "https://hooks.example.com/graphql"),
        ("https://example.com/labelhook", "https://example.com/labelhook/graphql"),
        ("http://localhost:8080/graphql", "http://localhost:8080/graphql"),
    ] {
        assert_eq!(endpoint(server).expect("an address").as_str(), expected);
    }
    for server in ["", "localhost:8080", "ftp://example.com", "127.0.0.1"] {
        assert!(endpoint(server).is_err(), "{server}");
    }
}

/// Reads one request on loopback and answers it. Gives the port, and the bytes that came.
fn answering(answer: String) -> (u16, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let served = std::thread::spawn(move || {
        let mut stream = listener.accept().expect("a connection").0;
        let mut came = Vec::new();
        let mut buffer = [0; 4096];
        while !came.ends_with(b"}") && !came.starts_with(b"\x16") {
            match stream.read(&mut buffer).expect("it sends") {
                0 => break,
                read => came.extend_from_slice(&buffer[..read]),
            }
        }
        stream.write_all(answer.as_bytes()).ok();
        came
    });
    (port, served)
}

fn response(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

async fn asked(server: String) -> anyhow::Result<Value> {
    let api_key = "lh_key".to_owned();
    Client::new(&Remote { server, api_key })?
        .ask("{user}", json!({"a": 1}))
        .await
}

#[tokio::test]
async fn an_operation_is_asked_with_the_key_and_answered_with_its_data() {
    let (port, served) = answering(response("200 OK", r#"{"data":{"user":2}}"#));
    let data = asked(format!("http://127.0.0.1:{port}")).await.expect("data");
    assert_eq!(data, json!({"user": 2}));
    let came = String::from_utf8(served.join().expect("no panic")).expect("text");
    let came = came.to_lowercase();
    for part in [
        "post /graphql http/1.1\r\n",
        "authorization: bearer lh_key\r\n",
        "content-type: application/json\r\n",
    ] {
        assert!(came.contains(part), "{came}");
    }
    assert!(came.ends_with(r#"{"query":"{user}","variables":{"a":1}}"#), "{came}");
    assert!(!came.contains("accept-encoding"), "nothing is decompressed: {came}");
}

#[tokio::test]
async fn what_is_no_data_is_an_error_that_says_why() {
    let refused = r#"{"errors":[{"message":"no such label","extensions":{"code":"RESOURCE_NOT_FOUND"}}]}"#;
    let unknown = r#"{"errors":[{"message":"unknown key","extensions":{"code":"AUTHENTICATION_ERROR"}}]}"#;
    let large = format!("\"{}\"", "x".repeat(MAX_ANSWER));
    let elsewhere = "302 Found\r\nlocation: http://127.0.0.1:1/graphql";
    for (answer, expected) in [
        (response("200 OK", refused), "no such label (RESOURCE_NOT_FOUND)"),
        (response("401 Unauthorized", unknown), "does not know the API key"),
        (response("404 Not Found", "nobody"), "404 Not Found and no JSON"),
        (response(elsewhere, ""), "302 Found and no JSON"),
        (response("200 OK", &large), "larger than 16 MiB"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_owned(),
            "did not arrive whole",
        ),
        ("no HTTP\r\n\r\n".to_owned(), "cannot be asked"),
    ] {
        let (port, _) = answering(answer);
        let error = asked(format!("http://127.0.0.1:{port}")).await.expect_err("no data");
        assert!(format!("{error:#}").contains(expected), "{error:#}");
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_not_told_the_key() {
    let (port, served) = answering(response("200 OK", r#"{"data":{}}"#));
    let error = asked(format!("https://localhost:{port}"))
        .await
        .expect_err("no handshake");
    assert!(format!("{error:#}").contains("cannot be asked"), "{error:#}");
    let came = served.join().expect("no panic");
    assert!(came.starts_with(b"\x16"), "a TLS handshake: {came:?}");
}
