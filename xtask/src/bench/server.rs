//! The other end of every measurement: nginx, and the files it serves.

use std::{
    fs,
    io::Write,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{digest, pattern, process::Process, shell};

/// Files of the scenario with many.
pub(super) const SMALL: u32 = 2000;

const MIB: u64 = 1 << 20;

/// How long nginx may take to answer.
const START: Duration = Duration::from_secs(10);

/// nginx on three ports of loopback, and its files. Dropping it ends it.
pub(super) struct Server {
    folder: PathBuf,
    ports: [u16; 3],
    digest: String,
    _process: Process,
}

impl Server {
    /// Makes the files and starts nginx.
    pub(super) fn start(folder: &Path, size: u64) -> Result<Self> {
        let files = folder.join("served");
        fs::create_dir_all(files.join("small"))?;
        fs::create_dir_all(folder.join("out"))?;
        pattern::write(&files.join("big.bin"), size * MIB, 1)?;
        pattern::write(&files.join("middle.bin"), 128 * MIB, 2)?;
        for number in 0..SMALL {
            pattern::write(&files.join("small").join(small_name(number)), 64 * 1024, u64::from(number) + 3)?;
        }
        certificate(folder)?;
        let ports = free_ports()?;
        write_lists(folder, ports[0])?;
        fs::write(folder.join("nginx.conf"), configuration(folder, ports))?;
        let mut nginx = shell::command(shell::find("nginx").context("nginx was not found")?);
        let process =
            Process::start("nginx", nginx.arg("-c").arg(folder.join("nginx.conf")), &folder.join("nginx.log"))?;
        let digest = digest::sha256(&files.join("big.bin"))?;
        let server = Self { folder: folder.to_owned(), ports, digest, _process: process };
        server.wait()?;
        Ok(server)
    }

    fn wait(&self) -> Result<()> {
        let start = Instant::now();
        while self.ports.iter().any(|port| TcpStream::connect(("127.0.0.1", *port)).is_err()) {
            if start.elapsed() > START {
                bail!(
                    "nginx does not answer: {}",
                    fs::read_to_string(self.folder.join("nginx.log")).unwrap_or_default()
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    pub(super) fn plain(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.ports[0])
    }

    pub(super) fn capped(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.ports[1])
    }

    pub(super) fn tls(&self, name: &str) -> String {
        format!("https://localhost:{}/{name}", self.ports[2])
    }

    /// Where the clients save.
    pub(super) fn out(&self) -> PathBuf {
        self.folder.join("out")
    }

    /// Ropeway's own queue and settings, wiped before each round.
    pub(super) fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// A file as it is served.
    pub(super) fn source(&self, name: &str) -> PathBuf {
        self.folder.join("served").join(name)
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.folder.join("tls.crt")
    }

    /// SHA-256 of the large file.
    pub(super) fn digest(&self) -> &str {
        &self.digest
    }

    /// The small files' URLs, one a line.
    pub(super) fn list(&self) -> PathBuf {
        self.folder.join("list.txt")
    }

    /// The same as curl wants it.
    pub(super) fn curl_list(&self) -> PathBuf {
        self.folder.join("list.curl")
    }
}

/// The name of a small file.
pub(super) fn small_name(number: u32) -> String {
    format!("{number:04}.bin")
}

fn free_ports() -> Result<[u16; 3]> {
    // All three are held until the last is known, so that they differ.
    let held =
        [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    Ok([held[0].local_addr()?.port(), held[1].local_addr()?.port(), held[2].local_addr()?.port()])
}

fn certificate(folder: &Path) -> Result<()> {
    let mut openssl = shell::command("openssl");
    openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost"]);
    openssl.args([
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-addext",
        "basicConstraints=critical,CA:TRUE",
    ]);
    openssl.arg("-keyout").arg(folder.join("tls.key")).arg("-out").arg(folder.join("tls.crt"));
    shell::output(&mut openssl).context("openssl could not make a certificate").map(drop)
}

fn write_lists(folder: &Path, port: u16) -> Result<()> {
    let mut list = fs::File::create(folder.join("list.txt"))?;
    let mut curl = fs::File::create(folder.join("list.curl"))?;
    for name in (0..SMALL).map(small_name) {
        let url = format!("http://127.0.0.1:{port}/small/{name}");
        writeln!(list, "{url}")?;
        writeln!(curl, "url=\"{url}\"\noutput=\"{}\"", folder.join("out").join(name).display())?;
    }
    Ok(())
}

fn configuration(folder: &Path, ports: [u16; 3]) -> String {
    let at = folder.display();
    let [plain, capped, tls] = ports;
    format!(
        "daemon off; worker_processes 1; pid {at}/nginx.pid; error_log stderr;
events {{ worker_connections 8192; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; root {at}/served;
  client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/fastcgi;
  uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;
  server {{ listen 127.0.0.1:{plain} backlog=4096; }}
  server {{ listen 127.0.0.1:{capped}; limit_rate 8m; }}
  server {{ listen 127.0.0.1:{tls} ssl; ssl_certificate {at}/tls.crt; ssl_certificate_key {at}/tls.key; ssl_protocols TLSv1.3; }}
}}
"
    )
}
