//! The client against servers of the tests' own: one that speaks TLS, and some that are no Labelhook.

use super::*;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::io::{Read, Write};
use tokio_tungstenite::tungstenite::{
    accept_hdr,
    handshake::server::{ErrorResponse, Request, Response},
};

#[test]
fn the_socket_is_beside_the_server() {
    for (server, expected) in [
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/graphql"),
        ("https://example.com/labelhook", "wss://example.com/labelhook/graphql"),
    ] {
        assert_eq!(address(server).expect("an address"), expected);
    }
}

/// Listens once on loopback; gives the port.
fn once(serve: impl FnOnce(std::net::TcpStream) + Send + 'static) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || serve(listener.accept().expect("a connection").0));
    port
}

#[expect(clippy::result_large_err, reason = "the library's own signature")]
fn speaks(_: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let protocol = HeaderValue::from_static(PROTOCOL);
    response.headers_mut().insert("sec-websocket-protocol", protocol);
    Ok(response)
}

/// Takes the greeting, acknowledges it and answers one operation.
fn answer(stream: impl Read + Write) {
    let mut socket = accept_hdr(stream, speaks).expect("a handshake");
    let greeting = socket.read().expect("a greeting").to_string();
    assert!(greeting.contains("Bearer lh_key"), "{greeting}");
    socket
        .send(Message::text(r#"{"type":"connection_ack"}"#))
        .expect("it is open");
    socket.read().expect("an operation");
    for text in [
        r#"{"type":"ping"}"#,
        r#"{"id":"7","type":"next","payload":{"data":{"other":1}}}"#,
        r#"{"id":"1","type":"next","payload":{"data":{"user":2}}}"#,
    ] {
        socket.send(Message::text(text)).expect("it is open");
    }
    while socket.read().is_ok() {}
}

async fn greeted(address: &str, tls: ClientConfig) -> Result<Socket, Lost> {
    let stream = open(address, Connector::Rustls(Arc::new(tls))).await?;
    let mut socket = Socket {
        stream,
        operations: 0,
        heard: Instant::now(),
    };
    socket.greet("lh_key").await?;
    Ok(socket)
}

fn trusting(roots: RootCertStore) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

const CERTIFICATE: &[u8] = include_bytes!("../../../../core/delivery/src/sender/tests/fixtures/receiver.pem");
const KEY: &[u8] = include_bytes!("../../../../core/delivery/src/sender/tests/fixtures/receiver.key");

fn secure() -> u16 {
    once(|stream| {
        let certificate = CertificateDer::from_pem_slice(CERTIFICATE).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has them")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("they fit");
        let connection = ServerConnection::new(Arc::new(config)).expect("a connection");
        let mut stream = StreamOwned::new(connection, stream);
        // A client that trusts nobody ends the handshake.
        if stream.conn.complete_io(&mut stream.sock).is_ok() && !stream.conn.is_handshaking() {
            answer(stream);
        }
    })
}

#[tokio::test]
async fn a_server_behind_tls_is_asked_when_its_certificate_is_trusted() {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).expect("a certificate");
    roots.add(certificate).expect("a root");
    let address = format!("wss://localhost:{}/graphql", secure());
    let mut socket = greeted(&address, trusting(roots)).await.expect("a greeting");
    let id = socket.start("{user}", &json!({})).await.expect("it is open");
    let other = socket.hear().await.expect("an answer");
    assert!(matches!(other, Received::Next(7, _)), "{other:?}");
    let answer = socket.hear().await.expect("an answer");
    assert!(matches!(answer, Received::Next(of, data) if of == id && data == json!({"user": 2})));
}

#[tokio::test]
async fn a_server_whose_certificate_is_not_trusted_is_told_nothing() {
    let address = format!("wss://localhost:{}/graphql", secure());
    let refused = greeted(&address, sender::tls().expect("a configuration")).await;
    assert!(matches!(refused, Err(Lost::Broken(_))));
}

#[tokio::test]
async fn a_server_that_is_no_labelhook_is_named() {
    let port = once(|mut stream| {
        assert!(stream.read(&mut [0; 1024]).is_ok_and(|read| read > 0));
        stream
            .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            .ok();
    });
    let tls = sender::tls().expect("a configuration");
    let refused = greeted(&format!("ws://127.0.0.1:{port}/graphql"), tls).await;
    assert!(matches!(refused, Err(Lost::Refused(why)) if why.contains("404")));
}
