//! GitHub from a machine whose network is in the way: names that lead nowhere, and proxies that refuse.

#![expect(clippy::disallowed_types, reason = "the proxy of a process under test is a socket of its own")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, Mutex};

use super::world::{Ended, World, ended, files};

const PASSWORD: &str = "correct-horse";

fn dry_run(world: &World, more: &dyn Fn(&mut Command)) -> Ended {
    let mut command = world.program(&["run", "--config", "repos.yml", "--artifacts", "artifacts", "--dry-run", "-vv"]);
    command.env("GITHUB_TOKEN", "ghp_hunter2hunter2hunter2hunter2hunter2");
    command.env("GITHUB_API_URL", "https://api.homeostat.invalid");
    more(&mut command);
    ended(command)
}

/// A proxy that answers every request with this head, and what it was asked.
fn proxy(answer: &'static str) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&asked);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read > 0) {
                head.push(byte[0]);
            }
            log.lock().expect("nobody panics here").push(String::from_utf8_lossy(&head).into_owned());
            let _gone = stream.write_all(answer.as_bytes());
        }
    });
    (port, asked)
}

#[test]
fn f_58_a_name_that_leads_nowhere_ends_as_incomplete_and_is_said() {
    let world = World::new();
    let before = world.fleet();
    dry_run(&world, &|_| {}).ends_with(4).says(&["api.homeostat.invalid", "cannot be found"]);
    assert!(before == world.fleet());
}

#[test]
fn f_58_a_proxy_that_refuses_is_named_and_its_password_is_nowhere() {
    let world = World::new();
    for (name, answer, says) in [
        ("HTTPS_PROXY", "HTTP/1.1 403 Not from here\r\n\r\n", "403 Not from here"),
        ("https_proxy", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "does not take"),
        ("ALL_PROXY", "HTTP/1.1 502 Bad Gateway\r\n\r\n", "502 Bad Gateway"),
    ] {
        let (port, asked) = proxy(answer);
        let ran = dry_run(&world, &|command| {
            command.env(name, format!("http://ada:{PASSWORD}@127.0.0.1:{port}"));
        });
        let ran = ran.ends_with(4).says(&[says, &format!("http://127.0.0.1:{port}"), "api.homeostat.invalid:443"]);
        let asked = asked.lock().expect("nobody panics here").clone();
        assert!(asked[0].starts_with("CONNECT api.homeostat.invalid:443 HTTP/1.1\r\n"), "{asked:?}");
        assert!(asked.iter().all(|head| head.contains("Proxy-Authorization: Basic ") && !head.contains("hunter2")));
        let mut left = format!("{}{}", ran.stdout, ran.stderr);
        for bytes in files(&world.path("artifacts")).into_values() {
            left += &String::from_utf8_lossy(&bytes);
        }
        // In the clear and as a header carries it.
        for secret in [PASSWORD, "YWRhOmNvcnJlY3QtaG9yc2U"] {
            assert!(!left.contains(secret), "{left}");
        }
    }
}

#[test]
fn no_proxy_leads_past_the_proxy_and_a_proxy_that_is_none_is_a_mistake_of_configuration() {
    let world = World::new();
    let (port, asked) = proxy("HTTP/1.1 403 Forbidden\r\n\r\n");
    let address = format!("http://127.0.0.1:{port}");
    let straight = dry_run(&world, &|command| {
        command.env("HTTPS_PROXY", &address).env("no_proxy", "example.org,.homeostat.invalid");
    });
    straight.ends_with(4).says(&["cannot be found"]);
    assert!(asked.lock().expect("nobody panics here").is_empty());
    for wrong in ["socks5://ada:correct-horse@localhost:1", "https://ada:correct-horse@localhost:1", "http://"] {
        let ran = dry_run(&world, &|command| {
            command.env("HTTPS_PROXY", wrong);
        });
        let ran = ran.ends_with(2).says(&["HTTPS_PROXY cannot be used", "http://HOST:PORT"]);
        assert!(!ran.stderr.contains(PASSWORD), "{}", ran.stderr);
    }
}
