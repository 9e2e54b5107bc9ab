//! Level `isolated`: every way out that a test written by a model could try is tried, and what honest suites need works.

#![expect(clippy::disallowed_types, reason = "a test of the sandbox listens where nothing may connect")]
#![cfg(target_os = "linux")]

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use homeostat::model::{NetworkAccess, SandboxLevel, SandboxRequirement};
use homeostat::workspace::sandbox::{Lifeline, Place};
use homeostat::workspace::{CommandSpec, Execution, Exit, WorkspaceError};

use super::sandbox::{sandbox, spec};

/// Folders of one run, and one beside them that belongs to somebody else.
struct Room {
    folder: tempfile::TempDir,
    place: Place,
}

/// Makes a room where the level can be had; says so where it cannot.
#[expect(clippy::print_stderr, reason = "a test that is passed over says so")]
fn room(test: &str) -> Option<Room> {
    if let Err(why) = sandbox().check(SandboxRequirement::Isolated) {
        eprintln!("{test}: skipped: {why}");
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let part = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir(&path).expect("a folder");
        path
    };
    let place = Place { tree: part("tree"), home: part("home"), tmp: part("tmp") };
    part("elsewhere");
    Some(Room { folder, place })
}

fn isolated(command: &str) -> CommandSpec {
    CommandSpec { require: SandboxRequirement::Isolated, ..spec(command) }
}

impl Room {
    fn run(&self, command: &str) -> Execution {
        let done = self.try_run(&isolated(command)).expect("an execution");
        assert_eq!(
            (done.sandbox.level, done.sandbox.network),
            (SandboxLevel::Isolated, NetworkAccess::None),
            "{done:?}"
        );
        done
    }

    fn try_run(&self, spec: &CommandSpec) -> Result<Execution, WorkspaceError> {
        sandbox().run(&self.place, spec, &Lifeline::new())
    }

    /// Runs a script of Python that prints `reached` for whatever it got to, and returns what it printed.
    fn python(&self, script: &str) -> String {
        fs::write(self.place.tree.join("script.py"), script).expect("a file");
        let done = self.run("python3 script.py");
        assert!(done.succeeded(), "{done:?}");
        done.output
    }
}

/// A process of somebody else with a secret in its environment; ended with the test.
struct Canary(Child);

impl Canary {
    fn new() -> Self {
        Self(Command::new("sleep").arg("300").env("CANARY", "yellow-bird").spawn().expect("a process"))
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn v_108_no_socket_of_the_machine_is_reached_by_any_name() {
    let Some(room) = room("v_108_no_socket_of_the_machine") else { return };
    let outside = room.folder.path().join("elsewhere/docker.sock");
    let _file = UnixListener::bind(&outside).expect("a socket");
    let name = format!("homeostat-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let _abstract = UnixListener::bind_addr(&address).expect("a socket");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    udp.set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
    let (tcp_port, udp_port) =
        (tcp.local_addr().expect("an address").port(), udp.local_addr().expect("an address").port());
    let said = room.python(&format!(
        r#"
import os, socket
def reaches(name, act):
    try:
        act()
        print("reached", name)
    except OSError as error:
        print("not", name, type(error).__name__)
def unix(address):
    return lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect(address)
reaches("a socket beside the run", unix({outside:?}))
reaches("the container engine", unix("/var/run/docker.sock"))
reaches("an abstract socket", unix("\0{name}"))
reaches("tcp", lambda: socket.create_connection(("127.0.0.1", {tcp_port}), timeout=2))
reaches("another host", lambda: socket.create_connection(("192.0.2.1", 80), timeout=2))
reaches("a name server", lambda: socket.getaddrinfo("example.org", 80))
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", {udp_port}))
except OSError:
    pass
for folder in ["/run", "/var/run", "/dev/shm", "/home", "/root"]:
    try:
        print(folder, os.listdir(folder))
    except OSError:
        print(folder, "closed")
"#,
        outside = outside.display().to_string(),
    ));
    assert!(!said.contains("reached"), "{said}");
    assert_eq!(said.matches("not ").count(), 6, "{said}");
    for folder in ["/run", "/var/run", "/dev/shm"] {
        let seen = said.lines().find_map(|line| line.strip_prefix(&format!("{folder} "))).expect("a line");
        assert!(["[]", "closed"].contains(&seen), "{folder}: {said}");
    }
    assert!(udp.recv(&mut [0; 8]).is_err(), "a packet came out");
}

#[test]
fn v_44_v_108_no_other_process_is_seen_read_or_signalled() {
    let Some(room) = room("v_44_v_108_no_other_process") else { return };
    let mut canary = Canary::new();
    let pid = canary.0.id();
    let done = room.run(&format!(
        "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -c yellow-bird; ls /proc | grep -c '^[0-9]'; \
         kill -9 {pid} 2>/dev/null; kill -9 -1 2>/dev/null; true"
    ));
    let numbers: Vec<u64> = done.output.lines().filter_map(|line| line.trim().parse().ok()).collect();
    assert!(matches!(numbers.as_slice(), [0, seen, ..] if *seen < 10), "{done:?}");
    assert!(canary.0.try_wait().expect("a state").is_none(), "the canary was killed");
}

#[test]
fn v_108_no_namespace_is_made_nothing_is_mounted_and_nothing_outside_is_written() {
    let Some(room) = room("v_108_no_namespace") else { return };
    let beside = room.folder.path().join("elsewhere/x");
    let elsewhere = room.folder.path().join("elsewhere");
    // What the shell complains of is its own affair; only a way out prints on standard output.
    let done = room.run(&format!(
        "exec 2>/dev/null; unshare -Ur true && echo reached; mount -t tmpfs none /tmp && echo reached; \
         (echo x > {}) && echo reached; (echo x > /etc/x) && echo reached; (echo x > /usr/x) && echo reached; \
         ls {} && echo reached; cat /etc/shadow; hostname elsewhere && echo reached; true",
        beside.display(),
        elsewhere.display()
    ));
    assert_eq!(done.output.trim(), "", "{done:?}");
    assert!(!beside.exists());
}

#[test]
fn v_109_what_one_run_leaves_in_shared_folders_no_later_run_and_nobody_outside_sees() {
    let Some(room) = room("v_109_leftovers") else { return };
    let name = format!("left-{}", std::process::id());
    let done = room
        .run(&format!("echo x > /tmp/{name} && echo x > /dev/shm/{name} && echo x > $TMPDIR/own && ls /tmp/{name}"));
    assert!(done.succeeded(), "{done:?}");
    let again = room.run(&format!("ls /tmp/{name} /dev/shm/{name} 2>/dev/null; true"));
    assert_eq!(again.output.trim(), "", "{again:?}");
    assert!(!std::path::Path::new("/tmp").join(&name).exists());
}

#[test]
fn what_honest_suites_need_works() {
    let Some(room) = room("what_honest_suites_need") else { return };
    let said = room.python(
        r#"
import os, socket, subprocess, tempfile, threading
server = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=lambda: server.accept()[0].sendall(b"pong"), daemon=True).start()
print(socket.create_connection(server.getsockname(), timeout=5).recv(4).decode())
here, there = socket.socketpair()
here.send(b"pair"); print(there.recv(4).decode())
print(subprocess.run("echo child | cat", shell=True, capture_output=True, text=True).stdout.strip())
with tempfile.NamedTemporaryFile("w") as file:
    file.write("x"); print("temporary")
open("made", "w").write("made"); print(os.path.expanduser("~") == os.environ["HOME"])
print(open("/proc/self/stat").read().split()[1])
"#,
    );
    for word in ["pong", "pair", "child", "temporary", "True", "(python3)"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert_eq!(fs::read_to_string(room.place.tree.join("made")).expect("it was written"), "made");
    assert_eq!(room.run("exit 7").exit, Exit::Code(7));
    assert_eq!(room.run("kill -TERM $$").exit, Exit::Signal(15));
    let tools = room.run("git --version && cargo --version; node --version; true");
    assert!(tools.output.contains("git version"), "{tools:?}");
}

#[test]
fn v_50_v_103_a_tree_that_will_not_end_is_ended_at_its_limits() {
    let Some(room) = room("v_50_v_103_limits") else { return };
    let began = Instant::now();
    let late = CommandSpec {
        timeout: Duration::from_millis(600),
        ..isolated("trap '' TERM; (setsid sleep 4242 &); sleep 4242")
    };
    assert_eq!(room.try_run(&late).expect("an execution").exit, Exit::Timeout);
    assert!(began.elapsed() < Duration::from_secs(20));
    let left = Command::new("sh").args(["-c", "ps -eo args | grep -c '^sleep 424[2]'"]).output().expect("ps");
    assert_eq!(String::from_utf8_lossy(&left.stdout).trim(), "0");
    let loud = CommandSpec { output: 10_000, ..isolated("yes") };
    assert_eq!(room.try_run(&loud).expect("an execution").exit, Exit::Output);
    let many = CommandSpec { processes: 12, ..isolated("for i in $(seq 40); do sleep 30 & done; wait") };
    assert!(matches!(room.try_run(&many).expect("an execution").exit, Exit::Processes | Exit::Code(_)));
    let hungry = CommandSpec { memory: 200 << 20, ..isolated("python3 -c 'x = bytearray(1 << 30); print(len(x))'") };
    assert!(!room.try_run(&hungry).expect("an execution").succeeded());
}

#[test]
fn services_are_refused_and_a_network_that_was_given_is_said() {
    let Some(room) = room("services_are_refused") else { return };
    let served = CommandSpec { services: vec!["127.0.0.1:5432".to_owned()], ..isolated("touch ran") };
    let refused = room.try_run(&served).expect_err("it is refused");
    assert!(matches!(&refused, WorkspaceError::SandboxTooWeak(why) if why.contains("services")), "{refused}");
    assert!(!room.place.tree.join("ran").exists());
    let networked = CommandSpec { network: NetworkAccess::Registries, ..isolated("true") };
    let done = room.try_run(&networked).expect("an execution");
    assert!(done.sandbox.level < SandboxLevel::Isolated, "{done:?}");
    assert!(done.sandbox.weaknesses.iter().any(|one| one.contains("lower level")), "{done:?}");
}
