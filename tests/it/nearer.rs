//! A server of the internet that leads to what only this machine or its network can reach, in a network namespace where
//! this machine has an address of the internet.

use std::fmt::Write as _;

use ropeway_testkit::{machine, namespace::unshare};

use crate::support::{Finished, Home, Running, program};

/// Addresses of the internet, kept free for documentation (RFC 5737): nobody has them.
const OUTSIDE: &str = "203.0.113.7";
const OTHER: &str = "198.51.100.7";

/// A server on all addresses: `/to?URL` redirects there, `/list.meta4?URL` names it as a file's address, all else is a
/// file. What was asked for is in `asked`, one path a line.
const SERVER: &str = r#"
import http.server
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path, _, target = self.path.partition("?")
        open("asked", "a").write(self.path + "\n")
        body = b"a file"
        if path == "/rebind":
            # Whoever owns a name points it elsewhere at any moment.
            open("hosts", "w").write("127.0.0.1 front.example other.example\n")
        if path in ("/to", "/rebind"):
            self.send_response(302)
            self.send_header("Location", target)
            body = b""
        else:
            self.send_response(200)
        if path == "/list.meta4":
            body = ('<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="listed"><url>' + target
                    + '</url></file></metalink>').encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Answers)
open("port.new", "w").write(str(server.server_port))
import os
os.rename("port.new", "port")
server.serve_forever()
"#;

/// Sets the network up, starts the server, then runs the script with `$PORT` and `ropeway` set.
const STAGE: &str = r#"
ip link set lo up && ip address add "$1/32" dev lo && ip address add "$2/32" dev lo || exit 99
python3 -c "$3" & server=$!
for _ in $(seq 200); do [ -f port ] && break; sleep 0.05; done
PORT=$(cat port); ropeway() { "$ROPEWAY" "$@"; }
eval "$4"
kill $server
"#;

/// What the script in such a namespace says; `None` where this machine is known to give none.
fn outside(home: &Home, script: &str) -> Option<Finished> {
    let Some(mut command) = unshare("--net") else {
        machine::excuse(machine::NAMESPACES);
        return None;
    };
    home.dress(&mut command);
    command.env("ROPEWAY", program()).args(["--mount", "sh", "-c", STAGE, "sh", OUTSIDE, OTHER, SERVER, script]);
    Some(Running::spawn(command).0.wait())
}

#[test]
fn a_name_that_is_pointed_at_this_machine_behind_the_first_answer_leads_nowhere() {
    let home = Home::new();
    let mut script = String::from(
        "touch hosts && mount --bind hosts /etc/hosts || exit 99
        point() { echo \"$1 front.example\n$1 other.example\" > hosts; }\n",
    );
    for (number, host) in ["front.example", "other.example", "127.0.0.1"].iter().enumerate() {
        write!(
            script,
            "point {OUTSIDE}
            ropeway get -o near-{number} \"http://front.example:$PORT/rebind?http://{host}:$PORT/secret-{number}\"
            echo {number} $?\n"
        )
        .unwrap();
    }
    write!(
        script,
        "point {OUTSIDE}
        ropeway get -o far \"http://front.example:$PORT/to?http://other.example:$PORT/far\"; echo far $?
        point 127.0.0.1
        ropeway get -o own \"http://front.example:$PORT/to?http://other.example:$PORT/own\"; echo own $?"
    )
    .unwrap();
    let Some(finished) = outside(&home, &script) else { return };
    for line in ["0 1", "1 1", "2 1", "far 0", "own 0"] {
        assert!(finished.stdout.lines().any(|said| said == line), "{line}: {finished:?}");
    }
    let asked = std::fs::read_to_string(home.work("asked")).unwrap();
    assert!(!asked.lines().any(|path| path.starts_with("/secret")), "a request went where it must not:\n{asked}");
    assert!(asked.lines().filter(|path| path.starts_with("/rebind")).count() == 3, "{asked}");
}

#[test]
fn a_server_of_the_internet_leads_neither_to_this_machine_nor_to_its_network() {
    let home = Home::new();
    let near = ["127.0.0.1", "2130706433", "0x7f.1", "0.0.0.0", "localhost", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1"];
    let mut script = String::new();
    for (number, host) in near.iter().enumerate() {
        write!(
            script,
            "for way in to list.meta4; do
                ropeway get -o near-{number} \"http://{OUTSIDE}:$PORT/$way?http://{host}:$PORT/secret-{number}\"
                echo {number} $way $?
            done\n"
        )
        .unwrap();
    }
    write!(
        script,
        "ropeway get -o far \"http://{OUTSIDE}:$PORT/to?http://{OTHER}:$PORT/far\"; echo far $?
        ropeway get -o listed-far \"http://{OUTSIDE}:$PORT/list.meta4?http://{OTHER}:$PORT/listed\"; echo listed $?
        ropeway get -o own \"http://127.0.0.1:$PORT/to?http://localhost:$PORT/own\"; echo own $?"
    )
    .unwrap();
    let Some(finished) = outside(&home, &script) else { return };
    for (number, host) in near.iter().enumerate() {
        for way in ["to", "list.meta4"] {
            let line = format!("{number} {way} 1");
            assert!(finished.stdout.lines().any(|said| said == line), "{host}: {finished:?}");
        }
        assert!(!home.work(format!("near-{number}")).exists(), "{host}");
    }
    assert_eq!(finished.stderr.matches(": REDIRECT_REFUSED: ").count(), 2 * near.len(), "{}", finished.stderr);
    let asked = std::fs::read_to_string(home.work("asked")).unwrap();
    assert!(!asked.lines().any(|path| path.starts_with("/secret")), "a request went where it must not:\n{asked}");
    for (said, name) in [("far 0", "far"), ("own 0", "own")] {
        assert!(finished.stdout.lines().any(|line| line == said), "{said}: {finished:?}");
        assert_eq!(std::fs::read(home.work(name)).unwrap(), b"a file");
    }
    assert!(finished.stdout.lines().any(|line| line == "listed 0"), "{finished:?}");
}
