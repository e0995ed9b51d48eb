use super::*;
use purgeline_core::{SystemClock, config::Settings};
use reqwest::Method;
use std::{net::SocketAddr, process::Command, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

const SECRET: &str = "swordfish-0123456789";

/// Long enough for any machine; only the tests of what is never answered wait for less.
const PATIENCE: Duration = Duration::from_secs(60);

fn transport(timeout: Duration) -> Transport {
    let context = BuildContext { settings: Settings::default(), timeout, clock: Arc::new(SystemClock) };
    let address = Url::parse("http://127.0.0.1").unwrap();
    Transport::new(&context, &[address], Version::Http1, vec![SECRET.into(), "short".into()]).unwrap()
}

/// A server for one request, which tells what it read.
async fn server<F>(
    answer: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> (SocketAddr, oneshot::Receiver<String>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.unwrap());
        }
        // The test may not want to know.
        let _ = tell.send(String::from_utf8(request).unwrap());
        answer(stream).await;
    });
    (address, told)
}

async fn server_of(answer: impl Into<String>) -> (SocketAddr, oneshot::Receiver<String>) {
    let answer = answer.into();
    server(move |mut stream| async move {
        // The client may leave before the end.
        let _ = stream.write_all(answer.as_bytes()).await;
    })
    .await
}

fn request(address: SocketAddr) -> Request {
    Request::new(Method::GET, format!("http://{address}/a").parse().unwrap())
}

async fn error_of(address: SocketAddr, timeout: Duration) -> TransportError {
    transport(timeout).send(request(address)).await.unwrap_err()
}

fn is_retry(error: &TransportError, class: Class, code: &str) -> bool {
    matches!(error.outcome(), Outcome::Retry { after_ms: None, cause } if cause.class == class && cause.code == code)
}

#[tokio::test]
async fn refused_is_soon() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = error_of(address, PATIENCE).await;
    assert!(is_retry(&error, Class::Soon, "connect"), "{error:?}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn unanswered_is_unknown() {
    let (hold, held) = oneshot::channel::<()>();
    let (address, _told) = server(|stream| async move {
        let _ = held.await;
        drop(stream);
    })
    .await;
    let error = error_of(address, Duration::from_millis(300)).await;
    assert!(is_retry(&error, Class::Unknown, "timeout"), "{error:?}");
    assert_eq!(error.to_string(), "no answer within 300 ms");
    drop(hold);
}

#[tokio::test]
async fn a_broken_answer_is_unknown() {
    for answer in ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "HTTP/1.1 200"] {
        let (address, _told) = server_of(answer).await;
        let error = error_of(address, PATIENCE).await;
        assert!(is_retry(&error, Class::Unknown, "no-answer"), "{answer:?}: {error:?}");
    }
}

#[tokio::test]
async fn an_answer_out_of_bounds_is_none() {
    let (address, _told) = server(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        // The client leaves before the end.
        let _ = stream.write_all(&vec![b'x'; MAX_BODY_BYTES + 1]).await;
    })
    .await;
    let error = error_of(address, PATIENCE).await;
    assert!(is_retry(&error, Class::Unknown, "too-long-an-answer"), "{error:?}");
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let (other, _told) = server_of("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let (address, told) =
        server_of(format!("HTTP/1.1 302 Found\r\nLocation: http://{other}/b\r\nContent-Length: 0\r\n\r\n"))
            .await;
    let answer = transport(PATIENCE).send(request(address)).await.unwrap();
    assert_eq!(answer.words(), format!("302 Found to http://{other}/b"));
    let seen = told.await.unwrap();
    assert!(seen.contains(concat!("user-agent: purgeline/", env!("CARGO_PKG_VERSION"))), "{seen}");
}

#[tokio::test]
async fn what_is_secret_is_not_read_back() {
    let body = format!("you sent {SECRET}, and short");
    let (address, _told) =
        server_of(format!("HTTP/1.1 400 Bad\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await;
    let answer = transport(PATIENCE).send(request(address)).await.unwrap();
    assert_eq!(answer.words(), "400 Bad Request: you sent [redacted], and short");
    assert!(!format!("{:?}", transport(PATIENCE)).contains(SECRET));
}

#[tokio::test]
async fn https_with_a_plain_server_is_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let https: Url = format!("https://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 16]).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    });
    let context =
        BuildContext { settings: Settings::default(), timeout: PATIENCE, clock: Arc::new(SystemClock) };
    let addresses = [https.clone()];
    let transport = Transport::new(&context, &addresses, Version::Any, Vec::new()).unwrap();
    let error = transport.send(Request::new(Method::GET, https)).await.unwrap_err();
    assert!(is_retry(&error, Class::Soon, "connect"), "{error:?}");
}

/// The environment can only be set for another process: this test runs itself in one.
#[tokio::test]
async fn the_environments_proxy_is_not_asked() {
    const INSIDE: &str = "PURGELINE_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        let (address, _told) = server_of("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
        assert_eq!(transport(PATIENCE).send(request(address)).await.unwrap().status, 200);
        return;
    }
    let test = "transport::tests::the_environments_proxy_is_not_asked";
    let nobody = "http://127.0.0.1:1";
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(INSIDE, "1")
        .envs([("http_proxy", nobody), ("HTTP_PROXY", nobody), ("ALL_PROXY", nobody)])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    for (text, expected) in [
        ("7", Some(7_000)),
        (" 0 ", Some(0)),
        ("Thu, 01 Jan 2026 00:01:30 GMT", Some(90_000)),
        ("Wed, 31 Dec 2025 23:00:00 GMT", Some(0)),
        ("99999999", Some(86_400_000)),
        ("18446744073709551615", Some(86_400_000)),
        ("Fri, 01 Jan 2038 00:00:00 GMT", Some(86_400_000)),
        ("-1", None),
        ("soon", None),
        ("", None),
    ] {
        let answer = Answer::of(503, &[("retry-after", text)], "");
        assert_eq!(answer.retry_after_ms(now), expected, "{text}");
    }
    assert_eq!(Answer::of(503, &[], "").retry_after_ms(now), None);
}

#[test]
fn words_are_for_a_person() {
    let page = "<html><head><title> 405 Not allowed.</title></head><body><h1>Guru</h1></body></html>";
    let html = [("content-type", "text/html; charset=utf-8")];
    assert_eq!(Answer::of(405, &html, page).words(), "405 Method Not Allowed: 405 Not allowed.");
    assert_eq!(Answer::of(500, &html, "<h1>oops").words(), "500 Internal Server Error");
    assert_eq!(Answer::of(799, &[], " why \n").words(), "799: why");
}
