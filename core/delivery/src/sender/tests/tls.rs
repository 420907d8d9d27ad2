//! TLS and its failures.

use super::*;
use rustls::{
    RootCertStore, ServerConfig, ServerConnection,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::io::{Read, Write};

#[tokio::test]
async fn tls_to_a_plain_port_is_a_tls_error() {
    let url = answering("HTTP/1.1 400 Bad Request\r\n\r\n")
        .await
        .replace("http://", "https://");
    // This receiver cannot read a request over TLS, so it sends its response first.
    let plain = receiver(|mut socket, _| async move {
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.ok();
        until_closed(&mut socket).await;
    })
    .await;
    let outcome = post(&loopback(), &plain.replace("http://", "https://"), LONG).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::Tls));
    assert_eq!(
        outcome.error.unwrap().message,
        "the receiver does not speak TLS on this port"
    );
    assert_eq!(
        kind(&post(&loopback(), &url, SHORT).await),
        Some(AttemptErrorKind::Timeout)
    );
}

#[tokio::test]
async fn a_hang_up_in_the_tls_handshake_is_a_tls_error() {
    let url = receiver(|mut socket, _| async move {
        socket.read_exact(&mut [0; 5]).await.ok();
        socket.shutdown().await.ok();
        until_closed(&mut socket).await;
    })
    .await;
    let outcome = post(&loopback(), &url.replace("http://", "https://"), LONG).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::Tls));
}

/// A receiver that speaks TLS, with a self-signed certificate for `localhost`. It answers one request.
fn secure_receiver() -> (CertificateDer<'static>, String) {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("fixtures/receiver.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("fixtures/receiver.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/hook", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut connection = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = rustls::Stream::new(&mut connection, &mut socket);
        let mut text = Vec::new();
        while !text.ends_with(b"{}") {
            let mut byte = [0];
            match stream.read(&mut byte) {
                Ok(1) => text.push(byte[0]),
                _ => return,
            }
        }
        stream
            .write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")
            .unwrap();
    });
    (certificate, url)
}

fn trusting(certificate: CertificateDer<'static>) -> Sender {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let guard = Guard::new(vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()], vec![]);
    Sender::with_tls(
        Config {
            guard,
            ..Config::default()
        },
        tls,
    )
}

#[tokio::test]
async fn a_trusted_receiver_is_delivered_to_over_tls() {
    let (certificate, url) = secure_receiver();
    let outcome = post(&trusting(certificate), &url, LONG).await;
    assert_eq!(outcome.error, None);
    let answer = outcome.answer.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (201, &b"ok"[..]));
}

#[tokio::test]
async fn a_certificate_that_does_not_fit_is_a_tls_error_that_says_why() {
    let (_, url) = secure_receiver();
    let outcome = post(&loopback(), &url, LONG).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::Tls));
    assert_eq!(
        outcome.error.unwrap().message,
        "the receiver's certificate has an unknown issuer"
    );
    let (certificate, url) = secure_receiver();
    let outcome = post(&trusting(certificate), &url.replace("localhost", "127.0.0.1"), LONG).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::Tls));
    assert_eq!(
        outcome.error.unwrap().message,
        "the receiver's certificate is for another host"
    );
}
