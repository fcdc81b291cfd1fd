//! A certificate authority that exists for one test.

use std::{path::PathBuf, sync::Arc};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use crate::TempFolder;

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// An authority with one certificate for one host.
#[derive(Debug)]
pub struct Authority {
    folder: TempFolder,
    host: String,
    config: Arc<ServerConfig>,
}

impl Authority {
    /// A fresh authority and a certificate of it for `host`, a name or an address.
    pub fn new(host: &str) -> Self {
        Self::issue(host, false)
    }

    /// The same with a certificate that ended years ago.
    pub fn expired(host: &str) -> Self {
        Self::issue(host, true)
    }

    fn issue(host: &str, is_expired: bool) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // A name of its own: OpenSSL takes a certificate whose issuer has its own name for one that signs for itself.
        params.distinguished_name = named("An authority for tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let leaf_key = KeyPair::generate().unwrap();
        let mut leaf = CertificateParams::new(vec![host.to_owned()]).unwrap();
        leaf.distinguished_name = named(host);
        if is_expired {
            (leaf.not_before, leaf.not_after) = (rcgen::date_time_ymd(2019, 1, 1), rcgen::date_time_ymd(2020, 1, 1));
        }
        let leaf = leaf.signed_by(&leaf_key, &issuer).unwrap();
        Self::with(host, &root.pem(), &leaf, &leaf_key)
    }

    /// A certificate for `host` that is its own authority, as `openssl req -x509` makes it.
    pub fn self_signed(host: &str) -> Self {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self::with(host, &certificate.pem(), &certificate, &key)
    }

    fn with(host: &str, root: &str, certificate: &Certificate, key: &KeyPair) -> Self {
        let folder = TempFolder::new();
        for (name, text) in [("ca.pem", root), ("host.pem", &certificate.pem()), ("host.key", &key.serialize_pem())] {
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(folder.join(name)).unwrap();
            std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        }

        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let chain = vec![certificate.der().clone()];
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .unwrap();
        Self { folder, host: host.to_owned(), config: Arc::new(config) }
    }

    /// The host the certificate is for.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The authority's certificate as a PEM file.
    pub fn file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The certificate of the host as a PEM file.
    pub fn certificate_file(&self) -> PathBuf {
        self.folder.join("host.pem")
    }

    /// Its key as a PEM file.
    pub fn key_file(&self) -> PathBuf {
        self.folder.join("host.key")
    }

    pub(super) fn acceptor(&self, protocols: Vec<Vec<u8>>) -> TlsAcceptor {
        let mut config = ServerConfig::clone(&self.config);
        config.alpn_protocols = protocols;
        TlsAcceptor::from(Arc::new(config))
    }
}
