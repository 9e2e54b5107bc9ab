//! The way through a proxy, over sockets: what it is asked, what of us it sees, and what is said when it refuses.

use std::sync::Mutex;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::forge::github::proxy::Proxies;

/// A proxy that knows CONNECT and nothing else; remembers each head that it read.
struct Proxy {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Answers every request with this head, and tunnels where it says 200.
    async fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(tunnel(stream, Arc::clone(&log), answer));
            }
        });
        Self { port, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("nobody panics here").clone()
    }

    fn address(&self, user: &str) -> String {
        format!("http://{user}127.0.0.1:{}", self.port)
    }
}

async fn tunnel(mut stream: TcpStream, log: Arc<Mutex<Vec<String>>>, answer: &str) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    log.lock().expect("nobody panics here").push(head);
    let tunnels = answer.contains(" 200 ") && answer.ends_with("\r\n\r\n");
    if stream.write_all(answer.as_bytes()).await.is_err() || !tunnels {
        return;
    }
    if let Ok(mut server) = TcpStream::connect(target).await {
        let _ended = copy_bidirectional(&mut stream, &mut server).await;
    }
}

fn through(server: &Server, proxy: &str, no: &str) -> GithubForge {
    forge(server).through(Proxies::for_everything(proxy, no))
}

#[tokio::test]
async fn a_server_is_reached_through_a_tunnel_in_which_the_proxy_sees_no_token() {
    let server = Server::start(|_| Reply::json(200, &repository(7, "owner/app"))).await;
    let proxy = Proxy::start("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n").await;
    let forge = through(&server, &proxy.address("ada:hunter2%21@"), "");
    forge.repository(&slug()).await.expect("a repository");
    let target = server.url("").replace("http://", "");
    let heads = proxy.heads();
    assert!(!heads.is_empty());
    for head in heads {
        assert!(head.starts_with(&format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n")), "{head}");
        assert!(head.contains("Proxy-Authorization: Basic YWRhOmh1bnRlcjIh\r\n"), "{head}");
        assert!(!head.contains(TOKEN) && !head.to_ascii_lowercase().contains("\r\nauthorization"), "{head}");
    }
    for heard in server.heard() {
        assert!(heard.all("proxy-authorization").is_empty(), "the server hears nothing of the proxy");
        assert_eq!(heard.all("authorization"), [format!("Bearer {TOKEN}")]);
    }
}

#[tokio::test]
async fn a_host_of_no_proxy_is_reached_straight() {
    let server = Server::start(|_| Reply::json(200, &repository(7, "owner/app"))).await;
    let proxy = Proxy::start("HTTP/1.1 403 Forbidden\r\n\r\n").await;
    let forge = through(&server, &proxy.address(""), "example.org, 127.0.0.0/8");
    forge.repository(&slug()).await.expect("a repository");
    assert!(proxy.heads().is_empty());
}

#[tokio::test]
async fn f_58_a_proxy_that_refuses_is_named_with_its_answer_and_nothing_was_sent() {
    let server = Server::start(|_| Reply::json(200, &json!({}))).await;
    for (answer, user, says) in [
        ("HTTP/1.1 403 Forbidden by policy\r\n\r\n", "ada:hunter2@", "\"403 Forbidden by policy\""),
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "", "USER:PASSWORD"),
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "ada:hunter2@", "does not take"),
        ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n", "", "\"502 Bad Gateway\""),
        ("SSH-2.0-OpenSSH\r\n\r\n", "", "SSH-2.0"),
        ("HTTP/1.1 200 OK\r\n", "", "\"200 OK\""),
        ("", "", "nothing"),
    ] {
        let proxy = Proxy::start(answer).await;
        let forge = through(&server, &proxy.address(user), "");
        let refused = forge.create_pull(&slug(), &new_pull()).await.err();
        let Some(ForgeError::Transient(why)) = &refused else { panic!("{answer:?}: {refused:?}") };
        assert!(why.contains(says) && why.contains(&format!("http://127.0.0.1:{}", proxy.port)), "{why}");
        assert!(!why.contains("hunter2") && !why.contains("aHVudGVyMg"), "{why}");
    }
    assert!(server.heard().is_empty(), "nobody goes past a proxy that refuses");
}

#[tokio::test]
async fn f_58_a_proxy_that_is_not_there_is_named() {
    let server = Server::start(|_| Reply::json(200, &json!({}))).await;
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let refused = through(&server, &format!("http://u:hunter2@{free}"), "").repository(&slug()).await.err();
    let Some(ForgeError::Transient(why)) = &refused else { panic!("{refused:?}") };
    assert!(why.contains(&format!("the proxy http://{free} cannot be reached")) && !why.contains("hunter2"), "{why}");
    assert!(server.heard().is_empty());
}
