//! Trust of TLS. It is in the system's authorities and, where a job names a file, in those of the file and in single
//! servers that sign for themselves.

use std::{path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
    server::ParsedCertificate,
};
use rustls_platform_verifier::Verifier;

use crate::DriverError;

/// Largest CA file in bytes. The bundle of all public authorities has a quarter of a megabyte.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// TLS configuration that trusts the system and, with a `file`, that.
///
/// # Errors
/// [`DriverError::CaFile`] where the file cannot be read or holds no certificate in PEM form; [`DriverError::Tls`]
/// where the TLS library cannot be set up.
pub(super) fn configuration(file: Option<&Path>, host: &str) -> Result<ClientConfig, DriverError> {
    let given = file.map(certificates).transpose()?;
    let refused = |error: Error| DriverError::Tls { host: host.to_owned(), reason: error.to_string() };
    let provider: Arc<CryptoProvider> = Arc::new(aws_lc_rs::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match given {
        None => Arc::new(Verifier::new(Arc::clone(&provider)).map_err(refused)?),
        Some(given) => {
            let standard =
                Verifier::new_with_extra_roots(given.iter().cloned(), Arc::clone(&provider)).map_err(refused)?;
            Arc::new(GivenCertificates { given, standard })
        }
    };
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(refused)?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// The certificates in a PEM file; at least one.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, DriverError> {
    let refused = |reason: String| DriverError::CaFile { path: file.display().to_string(), reason };
    let pem = ropeway_files::read(file, LARGEST_FILE).map_err(|error| refused(error.to_string()))?;
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = parsed.map_err(|error| refused(error.to_string()))?;
    if certificates.is_empty() {
        return Err(refused("it holds no certificate in PEM form".to_owned()));
    }
    Ok(certificates)
}

/// The system's verification, with one thing more: a server may show the very certificate the user gave, even one that
/// is marked as an authority, which is what `openssl req -x509` makes. Its name and its dates must hold all the same.
#[derive(Debug)]
struct GivenCertificates {
    given: Vec<CertificateDer<'static>>,
    standard: Verifier,
}

impl ServerCertVerifier for GivenCertificates {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.standard.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            Err(error) if is_authority_as_server(&error) && self.given.iter().any(|given| given == end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.standard.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.standard.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.standard.supported_verify_schemes()
    }
}

/// Whether the only objection was that the certificate is marked as an authority. The verification looks at the dates
/// before it looks at that mark, so they hold.
fn is_authority_as_server(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(other)) = error else { return false };
    matches!(other.0.downcast_ref::<webpki::Error>(), Some(webpki::Error::CaUsedAsEndEntity))
}

#[cfg(test)]
mod tests {
    use rustls::OtherError;

    use super::*;

    #[test]
    fn no_other_objection_to_a_certificate_is_taken_for_that_of_an_authority() {
        let other =
            |error: webpki::Error| Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))));
        for (error, expected) in [
            (other(webpki::Error::CaUsedAsEndEntity), true),
            (other(webpki::Error::EndEntityUsedAsCa), false),
            (Error::InvalidCertificate(CertificateError::Expired), false),
            (Error::InvalidCertificate(CertificateError::UnknownIssuer), false),
            (Error::NoCertificatesPresented, false),
        ] {
            assert_eq!(is_authority_as_server(&error), expected, "{error}");
        }
    }
}
