//! Debian's real nginx: static files with ranges, and uploads by `PUT` (its DAV module).

use std::{
    fmt::Write as _,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{TempFolder, free_port, peer::Authority};

/// Longest wait for nginx to listen.
const PATIENCE: Duration = Duration::from_secs(20);
/// Another process may take the chosen port before nginx does.
const PORT_TRIES: u32 = 5;

/// What differs from a plain server.
#[derive(Clone, Copy, Debug, Default)]
pub struct NginxSettings {
    /// Bytes a second that each connection gets, at most (`limit_rate`).
    pub limit_rate: Option<u64>,
    /// Whether ranges are refused (`max_ranges 0`).
    pub no_ranges: bool,
    /// Largest upload in bytes (`client_max_body_size`); `None` takes any.
    pub largest_upload: Option<u64>,
    /// Requests after which a connection is ended (`keepalive_requests`); `None` takes any number.
    pub requests_a_connection: Option<u32>,
}

/// A running nginx on loopback with a folder of its own; stopped and removed when dropped.
#[derive(Debug)]
pub struct Nginx {
    folder: TempFolder,
    port: u16,
    settings: NginxSettings,
    authority: Option<Authority>,
    process: Option<Child>,
}

impl Nginx {
    /// Starts a server without limits.
    pub fn start() -> Self {
        Self::start_with(NginxSettings::default())
    }

    /// Starts a server with `settings`; fails the test where nginx is not installed.
    pub fn start_with(settings: NginxSettings) -> Self {
        Self::launched(settings, None)
    }

    /// Starts a server behind TLS, with a certificate for `localhost`, that speaks HTTP/2 and HTTP/1.1.
    pub fn start_h2(settings: NginxSettings) -> Self {
        Self::launched(settings, Some(Authority::new("localhost")))
    }

    fn launched(settings: NginxSettings, authority: Option<Authority>) -> Self {
        let folder = TempFolder::new();
        std::fs::create_dir(folder.join("root")).unwrap();
        let mut nginx = Self { folder, port: 0, settings, authority, process: None };
        for _ in 0..PORT_TRIES {
            nginx.port = free_port();
            if nginx.launch() {
                return nginx;
            }
        }
        panic!("nginx does not start: {}", nginx.error_log());
    }

    /// The address of `path` (without a leading slash) on this server.
    pub fn url(&self, path: &str) -> String {
        match &self.authority {
            None => format!("http://127.0.0.1:{}/{path}", self.port),
            Some(authority) => format!("https://{}:{}/{path}", authority.host(), self.port),
        }
    }

    /// The PEM file with the authority behind this server's certificate; only after [`Nginx::start_h2`].
    pub fn ca_file(&self) -> PathBuf {
        self.authority.as_ref().expect("a server without TLS has no authority").file()
    }

    /// The folder that is served, and that uploads arrive in.
    pub fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// The port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The process.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// One line per finished request: method, path, status, bytes sent, `Range`, bytes received, version of HTTP, number
    /// of the connection.
    pub fn access_log(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.join("access.log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The access log once it has `count` lines: a client has its answer before the line is written.
    pub fn access_log_of(&self, count: usize) -> Vec<String> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let log = self.access_log();
            if log.len() >= count {
                return log;
            }
            assert!(Instant::now() < give_up, "{} of {count} requests: {log:#?}", log.len());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends the server at once: every connection breaks, as after a crash of the machine's process.
    pub fn kill(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        if let Some(group) = i32::try_from(process.id()).ok().and_then(rustix::process::Pid::from_raw) {
            // The group may be gone already; the wait below tells.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        process.wait().unwrap();
        let _ = std::fs::remove_file(self.folder.join("nginx.pid"));
    }

    /// Starts the server again on the same port with the same files.
    pub fn restart(&mut self) {
        self.kill();
        assert!(self.launch(), "nginx does not start again: {}", self.error_log());
    }

    /// Starts the process; whether it listens.
    fn launch(&mut self) -> bool {
        let config = self.folder.join("nginx.conf");
        std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&config)
            .and_then(|mut file| std::io::Write::write_all(&mut file, self.config().as_bytes()))
            .unwrap();
        let child = Command::new(binary())
            .arg("-p")
            .arg(self.folder.path())
            .arg("-c")
            .arg(&config)
            .args(["-e", "error.log"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        self.process = Some(child);
        let give_up = Instant::now() + PATIENCE;
        while Instant::now() < give_up {
            if self.process.as_mut().is_some_and(|process| process.try_wait().unwrap().is_some()) {
                return false;
            }
            // The pid file appears once the socket listens; a connection alone could be another process's.
            if self.folder.join("nginx.pid").exists() && std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok()
            {
                return true;
            }
            thread::sleep(Duration::from_millis(5));
        }
        false
    }

    fn config(&self) -> String {
        let mut extra = String::new();
        if let Some(rate) = self.settings.limit_rate {
            write!(extra, "limit_rate {rate}; ").unwrap();
        }
        if self.settings.no_ranges {
            extra.push_str("max_ranges 0; ");
        }
        let (folder, root, port) = (self.folder.path().display(), self.root(), self.port);
        let (root, largest) = (root.display(), self.settings.largest_upload.unwrap_or(0));
        let requests = self.settings.requests_a_connection.unwrap_or(100_000);
        let secure = self.authority.as_ref().map(|authority| {
            let (certificate, key) = (authority.certificate_file(), authority.key_file());
            (" ssl http2", format!("ssl_certificate {}; ssl_certificate_key {};", certificate.display(), key.display()))
        });
        let (with, certificate) = secure.unwrap_or_default();
        format!(
            "daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
    log_format plain '$request_method $uri $status $bytes_sent $http_range $request_length $server_protocol $connection';
    access_log {folder}/access.log plain;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    default_type application/octet-stream; sendfile on; keepalive_requests {requests};
    client_max_body_size {largest}; {extra}
    server {{
        listen 127.0.0.1:{port}{with}; {certificate}
        root {root};
        location / {{ dav_methods PUT DELETE MKCOL; create_full_put_path on; }}
    }}
}}
"
        )
    }

    fn error_log(&self) -> String {
        std::fs::read_to_string(self.folder.join("error.log")).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The binary, on the path or where Debian puts it.
fn binary() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("nginx")).find(|file| file.is_file());
    let debian = || Some(Path::new("/usr/sbin/nginx").to_owned()).filter(|file| file.is_file());
    found.or_else(debian).expect("these tests need nginx: apt-get install nginx-light")
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn exchange(port: u16, request: &str) -> String {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn nginx_takes_a_put_serves_a_range_of_it_and_survives_a_kill() {
        let mut nginx = Nginx::start();
        let put = "PUT /in/a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
        assert!(exchange(nginx.port(), put).starts_with("HTTP/1.1 201"));
        nginx.kill();
        assert!(std::net::TcpStream::connect(("127.0.0.1", nginx.port())).is_err());
        nginx.restart();
        let get = "GET /in/a.txt HTTP/1.1\r\nHost: x\r\nRange: bytes=1-2\r\nConnection: close\r\n\r\n";
        let answer = exchange(nginx.port(), get);
        assert!(answer.starts_with("HTTP/1.1 206") && answer.ends_with("\r\n\r\nel"), "{answer}");
    }
}
