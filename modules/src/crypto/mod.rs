//! Modules of the `crypto` family: keys, requests and certificates. `key.rs` and `public.rs` hold keys, `curve.rs` their
//! curves, `sealed.rs` keys under a passphrase, `pem.rs` their text; `names.rs`, `oid.rs` and `extensions.rs` what
//! requests and certificates say, `request.rs` and `certificate.rs` those themselves; `place.rs` is the file that a module looks after.

mod certificate;
mod curve;
mod digest;
mod extensions;
mod key;
mod names;
mod oid;
mod openssl_csr;
mod openssl_csr_info;
mod openssl_csr_pipe;
mod openssl_dhparam;
mod openssl_pkcs12;
mod openssl_privatekey;
mod openssl_privatekey_info;
mod openssl_publickey;
mod pem;
mod place;
mod public;
mod request;
mod sealed;
#[cfg(test)]
mod testing;
mod time;
mod x509_certificate;
mod x509_certificate_info;

pub use openssl_csr::OpensslCsr;
pub use openssl_csr_info::OpensslCsrInfo;
pub use openssl_csr_pipe::OpensslCsrPipe;
pub use openssl_dhparam::OpensslDhparam;
pub use openssl_pkcs12::OpensslPkcs12;
pub use openssl_privatekey::OpensslPrivatekey;
pub use openssl_privatekey_info::OpensslPrivatekeyInfo;
pub use openssl_publickey::OpensslPublickey;
pub use x509_certificate::X509Certificate;
pub use x509_certificate_info::X509CertificateInfo;

use crate::contract::{Arg, Literal};

/// Which library makes it: there is one here.
const BACKEND: Arg = Arg::str("select_crypto_backend")
    .choices(&["auto", "cryptography"])
    .default(Literal::Str("auto"))
    .doc("Does not matter here.");

const NAME_ENCODING: Arg = Arg::str("name_encoding")
    .choices(&["ignore", "idna", "unicode"])
    .default(Literal::Str("ignore"))
    .doc("How international names are told.");
