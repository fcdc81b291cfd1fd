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
const SMALL: u32 = 2000;

/// Lengths of the lists whose files are fetched all at once.
const JOBS: [u32; 3] = [1, 10, 50];

const MIB: u64 = 1 << 20;

/// How long nginx may take to answer.
const START: Duration = Duration::from_secs(10);

/// nginx on five ports of loopback, and its files. Dropping it ends it.
pub(super) struct Server {
    folder: PathBuf,
    ports: [u16; 5],
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
        pattern::write(&files.join("part.bin"), 48 * MIB, 5)?;
        pattern::write(&files.join("job.bin"), 16 * MIB, 6)?;
        for number in 0..SMALL {
            pattern::write(&files.join("small").join(small_name(number)), 64 * 1024, u64::from(number) + 3)?;
        }
        certificate(folder)?;
        let ports = free_ports()?;
        write_small_list(folder, "small", &format!("http://127.0.0.1:{}", ports[0]))?;
        write_small_list(folder, "small-tls", &format!("https://localhost:{}", ports[4]))?;
        for jobs in JOBS {
            write_job_list(folder, ports[0], jobs)?;
        }
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

    pub(super) fn uneven(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.ports[3])
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

    /// The small files.
    pub(super) fn small_list(&self) -> List {
        self.list("small", small_files())
    }

    /// The same over TLS, from a server that speaks HTTP/2.
    pub(super) fn small_tls_list(&self) -> List {
        List { certificate: Some(self.certificate()), ..self.list("small-tls", small_files()) }
    }

    /// So many names for one file; one of [`JOBS`].
    pub(super) fn job_list(&self, jobs: u32) -> List {
        self.list(&format!("jobs{jobs}"), (0..jobs).map(small_name).map(|name| (name, "job.bin".to_owned())).collect())
    }

    fn list(&self, name: &str, files: Vec<(String, String)>) -> List {
        List {
            urls: self.folder.join(format!("{name}.txt")),
            for_curl: self.folder.join(format!("{name}.curl")),
            files,
            certificate: None,
        }
    }
}

/// Files to fetch together.
pub(super) struct List {
    /// Their URLs, one a line.
    pub(super) urls: PathBuf,
    /// The same as curl wants it.
    pub(super) for_curl: PathBuf,
    /// The name each is saved under, and which of the served files it is.
    pub(super) files: Vec<(String, String)>,
    /// What their server is trusted by.
    pub(super) certificate: Option<PathBuf>,
}

fn small_files() -> Vec<(String, String)> {
    (0..SMALL).map(small_name).map(|name| (name.clone(), format!("small/{name}"))).collect()
}

/// The name of a small file.
fn small_name(number: u32) -> String {
    format!("{number:04}.bin")
}

fn free_ports() -> Result<[u16; 5]> {
    // All are held until the last is known, so that they differ.
    let held = (0..5).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>()?;
    let ports = held.iter().map(|held| Ok(held.local_addr()?.port())).collect::<Result<Vec<_>>>()?;
    ports.try_into().map_err(|_| anyhow::anyhow!("five listeners have five ports"))
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

fn write_small_list(folder: &Path, name: &str, origin: &str) -> Result<()> {
    write_list(folder, name, (0..SMALL).map(small_name), &format!("{origin}/small"))
}

fn write_job_list(folder: &Path, port: u16, jobs: u32) -> Result<()> {
    write_list(folder, &format!("jobs{jobs}"), (0..jobs).map(small_name), &format!("http://127.0.0.1:{port}/job"))
}

fn write_list(folder: &Path, name: &str, files: impl Iterator<Item = String>, below: &str) -> Result<()> {
    let mut list = fs::File::create(folder.join(format!("{name}.txt")))?;
    let mut curl = fs::File::create(folder.join(format!("{name}.curl")))?;
    for name in files {
        let url = format!("{below}/{name}");
        writeln!(list, "{url}")?;
        writeln!(curl, "url=\"{url}\"\noutput=\"{}\"", folder.join("out").join(name).display())?;
    }
    Ok(())
}

fn configuration(folder: &Path, ports: [u16; 5]) -> String {
    let at = folder.display();
    let [plain, capped, tls, uneven, streams] = ports;
    format!(
        "daemon off; worker_processes 1; pid {at}/nginx.pid; error_log stderr;
events {{ worker_connections 8192; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; root {at}/served;
  client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/fastcgi;
  uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;
  map $connection $slow {{ default 8m; ~[37]$ 400k; }}
  server {{ listen 127.0.0.1:{plain} backlog=4096; location /job/ {{ try_files /job.bin =404; }} }}
  server {{ listen 127.0.0.1:{uneven}; limit_rate $slow; }}
  server {{ listen 127.0.0.1:{capped}; limit_rate 8m; }}
  ssl_certificate {at}/tls.crt; ssl_certificate_key {at}/tls.key; ssl_protocols TLSv1.3;
  server {{ listen 127.0.0.1:{tls} ssl; }}
  server {{ listen 127.0.0.1:{streams} ssl http2; }}
}}
"
    )
}
