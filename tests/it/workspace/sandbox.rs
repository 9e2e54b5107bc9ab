//! What a hostile or broken command can do inside the sandbox, and what it cannot.

#![expect(clippy::disallowed_types, reason = "a test of the sandbox listens where nothing may connect")]

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use homeostat::model::{NetworkAccess, SandboxLevel, SandboxRequirement};
use homeostat::workspace::sandbox::{Host, Lifeline, Place, Sandbox, SandboxExec, probe};
use homeostat::workspace::{CommandSpec, Execution, Exit, WorkspaceError};

/// A command with generous limits.
pub(crate) fn spec(command: &str) -> CommandSpec {
    CommandSpec {
        command: command.to_owned(),
        folder: None,
        env: BTreeMap::new(),
        timeout: Duration::from_mins(1),
        memory: 2 << 30,
        processes: 64,
        output: 1 << 20,
        network: NetworkAccess::None,
        services: Vec::new(),
        require: SandboxRequirement::Any,
    }
}

pub(crate) fn sandbox() -> Sandbox {
    Sandbox::new(SandboxExec::new(env!("CARGO_BIN_EXE_homeostat")), Host::from_env())
}

/// Returns whether the kernel has Landlock, and says so where a test is passed over.
#[expect(clippy::print_stderr, reason = "a test that is passed over says so")]
fn landlock(test: &str) -> bool {
    let has = probe() >= SandboxLevel::Landlock;
    if !has {
        eprintln!("{test}: skipped, this kernel has no Landlock");
    }
    has
}

struct Room {
    folder: tempfile::TempDir,
    place: Place,
}

fn room() -> Room {
    let folder = tempfile::tempdir().expect("a folder");
    let part = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir(&path).expect("a folder");
        path
    };
    let place = Place { tree: part("tree"), home: part("home"), tmp: part("tmp") };
    Room { folder, place }
}

impl Room {
    fn run(&self, spec: &CommandSpec) -> Execution {
        sandbox().run(&self.place, spec, &Lifeline::new()).expect("an execution")
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }
}

/// Returns the processes of this machine whose command line holds the text.
fn processes_with(text: &str) -> Vec<String> {
    let own = std::process::id().to_string();
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_str() != Some(&own))
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .filter(|line| line.contains(text))
        .collect()
}

#[test]
fn a_command_ends_with_its_own_code_and_both_streams_in_order() {
    let done = room().run(&spec("echo one; echo two >&2; echo three; exit 7"));
    assert_eq!((done.exit, done.output.as_str()), (Exit::Code(7), "one\ntwo\nthree\n"));
    assert!(!done.truncated && !done.succeeded());
    assert_eq!(done.resources.output_bytes, 14);
    assert!(done.resources.wall_s > 0.0 && done.resources.wall_s < 30.0);
}

#[test]
fn the_report_says_what_held() {
    let done = room().run(&spec("true"));
    assert!(done.succeeded(), "{done:?}");
    assert_eq!(done.sandbox.level, probe());
    if probe() == SandboxLevel::Landlock {
        assert_eq!(done.sandbox.network, NetworkAccess::None);
    }
    let open = CommandSpec { network: NetworkAccess::Registries, ..spec("true") };
    let report = room().run(&open).sandbox;
    assert_eq!(report.network, NetworkAccess::All);
    assert!(report.weaknesses.iter().any(|w| w.contains("registries")), "{report:?}");
}

#[test]
fn a_command_that_hangs_is_stopped_at_its_time_limit() {
    let hang = CommandSpec { timeout: Duration::from_millis(300), ..spec("echo begun; sleep 600") };
    let start = Instant::now();
    let done = room().run(&hang);
    assert_eq!((done.exit, done.output.as_str()), (Exit::Timeout, "begun\n"));
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn v_103_a_fork_bomb_is_stopped_at_its_number_of_processes() {
    // Bounded by itself as well, lest a fault of ours take the machine with it.
    let bomb = "i=0; while [ $i -lt 150 ]; do sleep 611.25 & i=$((i+1)); done; wait";
    let done = room().run(&CommandSpec { processes: 32, ..spec(bomb) });
    assert_eq!(done.exit, Exit::Processes, "{done:?}");
    assert_eq!(processes_with("611.25"), Vec::<String>::new());
}

#[test]
fn v_103_a_tree_that_forks_at_every_level_is_ended_as_a_whole() {
    let bomb = "f() { [ $1 -gt 0 ] && { f $(($1-1)) & f $(($1-1)) & }; sleep 612.25; }; f 6";
    let done = room().run(&CommandSpec { processes: 24, ..spec(bomb) });
    assert_eq!(done.exit, Exit::Processes, "{done:?}");
    assert_eq!(processes_with("612.25"), Vec::<String>::new());
}

#[test]
fn a_flood_of_output_is_stopped_and_head_and_tail_are_kept() {
    let done = room().run(&CommandSpec { output: 100_000, ..spec("echo first; yes flood") });
    assert_eq!(done.exit, Exit::Output);
    assert!(done.truncated && done.output.starts_with("first\nflood\n"));
    assert!(done.output.len() < 110_000, "{}", done.output.len());
    assert!(done.resources.output_bytes > 100_000);
}

#[test]
fn a_tree_that_takes_too_much_memory_together_is_stopped() {
    // Each stays below the limit of one process; together they pass it.
    let hog = "hog() { x=$(head -c 25000000 /dev/zero | tr '\\0' x); sleep 615.25; }; hog & hog & hog & hog & wait";
    let done = room().run(&CommandSpec { memory: 80 << 20, ..spec(hog) });
    assert_eq!(done.exit, Exit::Memory, "{:?}", done.resources);
    assert!(done.resources.peak_memory > 80 << 20, "{:?}", done.resources);
    assert_eq!(processes_with("615.25"), Vec::<String>::new());
}

#[test]
fn a_single_process_that_takes_too_much_memory_does_not_get_it() {
    let done = room().run(&CommandSpec { memory: 64 << 20, ..spec("head -c 600m /dev/zero | tail | wc -c") });
    assert!(done.exit == Exit::Memory || !done.output.contains("629145600"), "{done:?}");
    assert!(done.resources.peak_memory < 200 << 20);
}

#[test]
fn f_24_a_command_that_kills_itself_is_told_from_one_that_fails() {
    assert_eq!(room().run(&spec("kill -9 $$")).exit, Exit::Signal(9));
    assert_eq!(room().run(&spec("kill -SEGV $$")).exit, Exit::Signal(11));
    // The group is the command's own: nothing of ours is in it.
    assert_eq!(room().run(&spec("kill -9 0")).exit, Exit::Signal(9));
}

#[test]
fn killing_the_parent_does_not_free_the_command() {
    if !landlock("killing_the_parent_does_not_free_the_command") {
        return;
    }
    let done = room().run(&spec("kill -9 $PPID || echo refused; kill -9 -1; echo alive"));
    assert_eq!((done.exit, done.output.contains("refused")), (Exit::Code(0), true), "{done:?}");
}

#[test]
fn v_50_a_daemon_does_not_outlive_the_command() {
    let room = room();
    // Two forks and a session of its own, as daemons do.
    let daemon = "setsid sh -c '(setsid sleep 613.25 >/dev/null 2>&1 &)' & sleep 0.2; echo done";
    let done = room.run(&spec(daemon));
    assert_eq!((done.exit, done.output.as_str()), (Exit::Code(0), "done\n"));
    assert_eq!(processes_with("613.25"), Vec::<String>::new());
}

#[test]
fn a_run_that_nobody_wants_any_more_is_ended() {
    let (room, lifeline) = (room(), Lifeline::new());
    let remote = lifeline.clone();
    let begun = room.place.tree.join("begun");
    let cutter = std::thread::spawn(move || {
        while !begun.exists() {
            std::thread::yield_now();
        }
        remote.cut();
    });
    let done = sandbox().run(&room.place, &spec("touch begun; sleep 614.25"), &lifeline).expect("an execution");
    cutter.join().expect("a thread");
    assert_eq!(done.exit, Exit::Signal(9));
    assert_eq!(processes_with("614.25"), Vec::<String>::new());
}

#[test]
fn a_run_that_was_given_up_before_it_began_ends_at_once() {
    let lifeline = Lifeline::new();
    lifeline.cut();
    let done = sandbox().run(&room().place, &spec("sleep 618.25"), &lifeline).expect("an execution");
    assert_eq!(done.exit, Exit::Signal(9));
}

#[test]
fn writing_outside_its_folders_is_denied() {
    if !landlock("writing_outside_its_folders_is_denied") {
        return;
    }
    let room = room();
    let outside = room.root().join("outside");
    fs::write(&outside, "as it was").expect("a file");
    let o = outside.display();
    let command = format!(
        "echo x > {o}; echo x > {o}.new; rm -f {o}; mv {o} moved; ln {o} linked; chmod 777 ../; mkdir /tmp/homeostat-x; \
         mknod disk b 8 0; cat {o}; touch in-tree $HOME/x $TMPDIR/y && echo writable"
    );
    let done = room.run(&spec(&command));
    assert!(done.output.ends_with("writable\n"), "{}", done.output);
    assert!(!done.output.contains("as it was"), "{}", done.output);
    assert_eq!(fs::read_to_string(&outside).expect("a file"), "as it was");
    let mut names: Vec<_> = fs::read_dir(room.root()).expect("a folder").flatten().map(|e| e.file_name()).collect();
    names.sort();
    assert_eq!(names, ["home", "outside", "tmp", "tree"]);
    assert_eq!(fs::read_dir(&room.place.tree).expect("a folder").count(), 1);
}

#[test]
fn v_44_v_45_the_environment_is_the_list_of_allowed_names_and_nothing_else() {
    let room = room();
    let host = Host::new(|name| match name {
        "PATH" => Some("/usr/bin:/bin".to_owned()),
        _ => None,
    });
    let sandbox = Sandbox::new(SandboxExec::new(env!("CARGO_BIN_EXE_homeostat")), host);
    let mut spec = spec("env -u PWD -u OLDPWD -u SHLVL -u _ | sort");
    spec.env.insert("MODE".to_owned(), "test".to_owned());
    let done = sandbox.run(&room.place, &spec, &Lifeline::new()).expect("an execution");
    let (home, tmp) = (room.place.home.display(), room.place.tmp.display());
    let lang = if cfg!(target_os = "macos") { "en_US.UTF-8" } else { "C.UTF-8" };
    let expected = format!("CI=true\nHOME={home}\nLANG={lang}\nMODE=test\nPATH=/usr/bin:/bin\nTMPDIR={tmp}\nTZ=UTC\n");
    assert_eq!(done.output, expected);
}

#[test]
fn v_44_the_environment_of_our_own_processes_holds_nothing() {
    if !landlock("v_44_the_environment_of_our_own_processes_holds_nothing") {
        return;
    }
    let own = std::process::id();
    let command = format!(
        "cat /proc/$PPID/environ /proc/{own}/environ /proc/{own}/cmdline | tr '\\0' '\\n'; cat /proc/{own}/mem"
    );
    let done = room().run(&spec(&command));
    assert!(!done.output.contains("PATH=") && !done.output.contains("CARGO"), "{}", done.output);
}

#[test]
fn v_45_homes_and_private_parts_of_the_system_cannot_be_read() {
    if !landlock("v_45_homes_and_private_parts_of_the_system_cannot_be_read") {
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(home.path().join(".cargo/bin")).expect("a folder");
    for name in [".cargo/credentials.toml", ".netrc", ".cargo/bin/tool"] {
        fs::write(home.path().join(name), format!("canary {name}")).expect("a file");
    }
    let real = home.path().display().to_string();
    let host = Host::new(|name| match name {
        "HOME" => Some(real.clone()),
        "PATH" => Some(format!("{real}/.cargo/bin:/usr/bin:/bin")),
        _ => None,
    });
    let sandbox = Sandbox::new(SandboxExec::new(env!("CARGO_BIN_EXE_homeostat")), host);
    let command =
        format!("cat {real}/.netrc {real}/.cargo/credentials.toml {real}/.cargo/bin/tool /etc/shadow; ls {real}");
    let done = sandbox.run(&room().place, &spec(&command), &Lifeline::new()).expect("an execution");
    assert_eq!(done.output.matches("canary").count(), 1, "{}", done.output);
    assert_eq!(done.output.to_lowercase().matches("permission denied").count(), 4, "{}", done.output);
}

#[test]
fn v_86_tcp_and_udp_are_denied_without_network_and_allowed_to_a_named_service() {
    if !landlock("v_86_tcp_and_udp_are_denied_without_network_and_allowed_to_a_named_service") {
        return;
    }
    if !["/usr/bin/bash", "/bin/bash"].iter().any(|path| Path::new(path).exists()) {
        eprintln!("tcp_and_udp…: skipped, there is no bash to connect with");
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let connect = format!(
        "bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port} && echo connected; exec 4<>/dev/udp/127.0.0.1/53 && echo udp'"
    );
    let closed = room().run(&spec(&connect));
    assert!(!closed.output.contains("connected") && !closed.output.contains("udp\n"), "{}", closed.output);
    assert_eq!(closed.sandbox.network, NetworkAccess::None);

    let service = CommandSpec { services: vec![format!("127.0.0.1:{port}")], ..spec(&connect) };
    let forwarded = room().run(&service);
    assert!(forwarded.output.contains("connected") && !forwarded.output.contains("udp\n"), "{}", forwarded.output);
    assert!(forwarded.sandbox.weaknesses.iter().any(|w| w.contains(&port.to_string())));

    let open = CommandSpec { network: NetworkAccess::All, ..spec(&connect) };
    assert!(room().run(&open).output.contains("connected"));
}

#[test]
fn namespaces_mounts_and_tracing_are_refused() {
    if cfg!(not(target_os = "linux")) {
        return;
    }
    let command = "unshare -r true && echo unshared; unshare -n true && echo net; mount -t tmpfs x $HOME && echo mounted; \
                   chroot / true && echo chrooted; echo end";
    assert_eq!(room().run(&spec(command)).output.lines().last(), Some("end"));
    let done = room().run(&spec(command));
    for word in ["unshared", "net\n", "mounted", "chrooted"] {
        assert!(!done.output.contains(word), "{}", done.output);
    }
}

#[test]
fn only_the_standard_files_are_open_in_a_command() {
    if cfg!(target_os = "linux") {
        let done = room().run(&spec("ls /proc/self/fd"));
        assert!(!done.sandbox.weaknesses.iter().any(|w| w.contains("open file")), "{done:?}");
        // Whatever the test's own parent left open; the last is the folder being listed.
        assert_eq!(done.output, "0\n1\n2\n3\n");
    }
}

#[test]
fn limits_cannot_be_raised_again() {
    let done = room().run(&spec("ulimit -c unlimited 2>/dev/null && echo raised; ulimit -c; ulimit -H -c"));
    assert_eq!(done.output, "0\n0\n");
}

#[test]
fn a_level_that_cannot_be_had_is_refused_before_anything_runs() {
    let room = room();
    let isolated = CommandSpec { require: SandboxRequirement::Isolated, ..spec("touch ran") };
    // A machine without namespaces, as far as anybody can tell: nothing that is tried in them comes back.
    let without = Sandbox::new(SandboxExec::new("/bin/true"), Host::from_env());
    assert!(without.level() < SandboxLevel::Isolated);
    let refused = without.run(&room.place, &isolated, &Lifeline::new());
    assert!(matches!(refused, Err(WorkspaceError::SandboxTooWeak(text)) if text.starts_with("sandbox-too-weak")));
    assert!(!room.place.tree.join("ran").exists());
    if probe() >= SandboxLevel::Landlock {
        assert!(room.run(&CommandSpec { require: SandboxRequirement::Landlock, ..spec("true") }).succeeded());
    }
}

#[test]
fn a_supervisor_that_cannot_start_is_a_fault_of_the_machine() {
    let broken = Sandbox::new(SandboxExec::new("/nonexistent/homeostat"), Host::from_env());
    let outcome = broken.run(&room().place, &spec("true"), &Lifeline::new());
    assert!(matches!(outcome, Err(WorkspaceError::Machine(_))));
    // A program that is no supervisor at all.
    let other = Sandbox::new(SandboxExec::new("/bin/true"), Host::from_env());
    assert!(matches!(other.run(&room().place, &spec("true"), &Lifeline::new()), Err(WorkspaceError::Machine(_))));
}

#[test]
fn a_folder_that_is_not_there_is_said_by_name() {
    let spec = CommandSpec { folder: Some("packages/app".parse().expect("a path")), ..spec("true") };
    let outcome = sandbox().run(&room().place, &spec, &Lifeline::new());
    assert!(matches!(outcome, Err(WorkspaceError::Machine(text)) if text.contains("packages/app")));
}

#[test]
fn resources_of_the_whole_tree_are_measured() {
    let busy = "burn() { i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; }; (burn) & (burn) & wait; sleep 0.3";
    let done = room().run(&spec(busy));
    assert!(done.succeeded(), "{done:?}");
    if cfg!(target_os = "linux") {
        assert!(done.resources.cpu_s > 0.01, "{:?}", done.resources);
        assert!(done.resources.peak_memory > 100_000, "{:?}", done.resources);
    }
}
