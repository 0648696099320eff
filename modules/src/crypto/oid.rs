//! Names of object identifiers, as OpenSSL has them: attributes of subjects, purposes of keys, algorithms of signatures.

use der::asn1::ObjectIdentifier;

/// Each with its names: the long one first, the short one last.
#[rustfmt::skip]
const NAMES: &[(&str, &[&str])] = &[
    ("0.9.2342.19200300.100.1.1", &["userId", "UID"]),
    ("0.9.2342.19200300.100.1.3", &["rfc822Mailbox", "mail"]),
    ("0.9.2342.19200300.100.1.25", &["domainComponent", "DC"]),
    ("0.9.2342.19200300.100.1.44", &["uniqueIdentifier", "uid"]),
    ("1.2.840.10045.4.1", &["ecdsa-with-SHA1"]),
    ("1.2.840.10045.4.3.1", &["ecdsa-with-SHA224"]),
    ("1.2.840.10045.4.3.2", &["ecdsa-with-SHA256"]),
    ("1.2.840.10045.4.3.3", &["ecdsa-with-SHA384"]),
    ("1.2.840.10045.4.3.4", &["ecdsa-with-SHA512"]),
    ("1.2.840.113549.1.1.1", &["rsaEncryption"]),
    ("1.2.840.113549.1.1.2", &["md2WithRSAEncryption", "RSA-MD2"]),
    ("1.2.840.113549.1.1.3", &["md4WithRSAEncryption", "RSA-MD4"]),
    ("1.2.840.113549.1.1.4", &["md5WithRSAEncryption", "RSA-MD5"]),
    ("1.2.840.113549.1.1.5", &["sha1WithRSAEncryption", "RSA-SHA1"]),
    ("1.2.840.113549.1.1.6", &["rsaOAEPEncryptionSET"]),
    ("1.2.840.113549.1.1.7", &["rsaesOaep", "RSAES-OAEP"]),
    ("1.2.840.113549.1.1.8", &["mgf1", "MGF1"]),
    ("1.2.840.113549.1.1.9", &["pSpecified", "PSPECIFIED"]),
    ("1.2.840.113549.1.1.10", &["rsassaPss", "RSASSA-PSS"]),
    ("1.2.840.113549.1.1.11", &["sha256WithRSAEncryption", "RSA-SHA256"]),
    ("1.2.840.113549.1.1.12", &["sha384WithRSAEncryption", "RSA-SHA384"]),
    ("1.2.840.113549.1.1.13", &["sha512WithRSAEncryption", "RSA-SHA512"]),
    ("1.2.840.113549.1.1.14", &["sha224WithRSAEncryption", "RSA-SHA224"]),
    ("1.2.840.113549.1.1.15", &["sha512-224WithRSAEncryption", "RSA-SHA512/224"]),
    ("1.2.840.113549.1.1.16", &["sha512-256WithRSAEncryption", "RSA-SHA512/256"]),
    ("1.2.840.113549.1.9.1", &["emailAddress"]),
    ("1.2.840.113549.1.9.2", &["unstructuredName"]),
    ("1.2.840.113549.1.9.7", &["challengePassword"]),
    ("1.2.840.113549.1.9.8", &["unstructuredAddress"]),
    ("1.3.6.1.4.1.311.2.1.21", &["Microsoft Individual Code Signing", "msCodeInd"]),
    ("1.3.6.1.4.1.311.2.1.22", &["Microsoft Commercial Code Signing", "msCodeCom"]),
    ("1.3.6.1.4.1.311.10.3.1", &["Microsoft Trust List Signing", "msCTLSign"]),
    ("1.3.6.1.4.1.311.10.3.3", &["Microsoft Server Gated Crypto", "msSGC"]),
    ("1.3.6.1.4.1.311.10.3.4", &["Microsoft Encrypted File System", "msEFS"]),
    ("1.3.6.1.4.1.311.20.2.2", &["Microsoft Smartcardlogin", "msSmartcardLogin"]),
    ("1.3.6.1.4.1.311.20.2.3", &["Microsoft Universal Principal Name", "msUPN"]),
    ("1.3.6.1.4.1.311.60.2.1.1", &["jurisdictionLocalityName", "jurisdictionL"]),
    ("1.3.6.1.4.1.311.60.2.1.2", &["jurisdictionStateOrProvinceName", "jurisdictionST"]),
    ("1.3.6.1.4.1.311.60.2.1.3", &["jurisdictionCountryName", "jurisdictionC"]),
    ("1.3.6.1.5.2.3.4", &["PKINIT Client Auth", "pkInitClientAuth"]),
    ("1.3.6.1.5.2.3.5", &["Signing KDC Response", "pkInitKDC"]),
    ("1.3.6.1.5.5.7.3.1", &["TLS Web Server Authentication", "serverAuth"]),
    ("1.3.6.1.5.5.7.3.2", &["TLS Web Client Authentication", "clientAuth"]),
    ("1.3.6.1.5.5.7.3.3", &["Code Signing", "codeSigning"]),
    ("1.3.6.1.5.5.7.3.4", &["E-mail Protection", "emailProtection"]),
    ("1.3.6.1.5.5.7.3.5", &["IPSec End System", "ipsecEndSystem"]),
    ("1.3.6.1.5.5.7.3.6", &["IPSec Tunnel", "ipsecTunnel"]),
    ("1.3.6.1.5.5.7.3.7", &["IPSec User", "ipsecUser"]),
    ("1.3.6.1.5.5.7.3.8", &["Time Stamping", "timeStamping"]),
    ("1.3.6.1.5.5.7.3.9", &["OCSP Signing", "OCSPSigning"]),
    ("1.3.6.1.5.5.7.3.10", &["dvcs", "DVCS"]),
    ("1.3.6.1.5.5.7.3.17", &["ipsec Internet Key Exchange", "ipsecIKE"]),
    ("1.3.6.1.5.5.7.3.18", &["Ctrl/provision WAP Access", "capwapAC"]),
    ("1.3.6.1.5.5.7.3.19", &["Ctrl/Provision WAP Termination", "capwapWTP"]),
    ("1.3.6.1.5.5.7.3.21", &["SSH Client", "secureShellClient"]),
    ("1.3.6.1.5.5.7.3.22", &["SSH Server", "secureShellServer"]),
    ("1.3.6.1.5.5.7.3.23", &["Send Router", "sendRouter"]),
    ("1.3.6.1.5.5.7.3.24", &["Send Proxied Router", "sendProxiedRouter"]),
    ("1.3.6.1.5.5.7.3.25", &["Send Owner", "sendOwner"]),
    ("1.3.6.1.5.5.7.3.26", &["Send Proxied Owner", "sendProxiedOwner"]),
    ("1.3.6.1.5.5.7.3.27", &["CMC Certificate Authority", "cmcCA"]),
    ("1.3.6.1.5.5.7.3.28", &["CMC Registration Authority", "cmcRA"]),
    ("1.3.101.110", &["X25519"]),
    ("1.3.101.111", &["X448"]),
    ("1.3.101.112", &["ED25519"]),
    ("1.3.101.113", &["ED448"]),
    ("2.5.4.3", &["commonName", "CN"]),
    ("2.5.4.4", &["surname", "SN"]),
    ("2.5.4.5", &["serialNumber"]),
    ("2.5.4.6", &["countryName", "C"]),
    ("2.5.4.7", &["localityName", "L"]),
    ("2.5.4.8", &["stateOrProvinceName", "ST"]),
    ("2.5.4.9", &["streetAddress", "street"]),
    ("2.5.4.10", &["organizationName", "O"]),
    ("2.5.4.11", &["organizationalUnitName", "OU"]),
    ("2.5.4.12", &["title", "title"]),
    ("2.5.4.13", &["description"]),
    ("2.5.4.14", &["searchGuide"]),
    ("2.5.4.15", &["businessCategory"]),
    ("2.5.4.16", &["postalAddress"]),
    ("2.5.4.17", &["postalCode"]),
    ("2.5.4.18", &["postOfficeBox"]),
    ("2.5.4.19", &["physicalDeliveryOfficeName"]),
    ("2.5.4.20", &["telephoneNumber"]),
    ("2.5.4.21", &["telexNumber"]),
    ("2.5.4.22", &["teletexTerminalIdentifier"]),
    ("2.5.4.23", &["facsimileTelephoneNumber"]),
    ("2.5.4.24", &["x121Address"]),
    ("2.5.4.25", &["internationaliSDNNumber"]),
    ("2.5.4.26", &["registeredAddress"]),
    ("2.5.4.27", &["destinationIndicator"]),
    ("2.5.4.28", &["preferredDeliveryMethod"]),
    ("2.5.4.29", &["presentationAddress"]),
    ("2.5.4.30", &["supportedApplicationContext"]),
    ("2.5.4.31", &["member"]),
    ("2.5.4.32", &["owner"]),
    ("2.5.4.33", &["roleOccupant"]),
    ("2.5.4.34", &["seeAlso"]),
    ("2.5.4.35", &["userPassword"]),
    ("2.5.4.36", &["userCertificate"]),
    ("2.5.4.37", &["cACertificate"]),
    ("2.5.4.38", &["authorityRevocationList"]),
    ("2.5.4.39", &["certificateRevocationList"]),
    ("2.5.4.40", &["crossCertificatePair"]),
    ("2.5.4.41", &["name", "name"]),
    ("2.5.4.42", &["givenName", "GN"]),
    ("2.5.4.43", &["initials", "initials"]),
    ("2.5.4.44", &["generationQualifier"]),
    ("2.5.4.45", &["x500UniqueIdentifier"]),
    ("2.5.4.46", &["dnQualifier", "dnQualifier"]),
    ("2.5.4.47", &["enhancedSearchGuide"]),
    ("2.5.4.48", &["protocolInformation"]),
    ("2.5.4.49", &["distinguishedName"]),
    ("2.5.4.50", &["uniqueMember"]),
    ("2.5.4.51", &["houseIdentifier"]),
    ("2.5.4.52", &["supportedAlgorithms"]),
    ("2.5.4.53", &["deltaRevocationList"]),
    ("2.5.4.54", &["dmdName"]),
    ("2.5.4.65", &["pseudonym"]),
    ("2.5.4.72", &["role", "role"]),
    ("2.5.4.97", &["organizationIdentifier"]),
    ("2.5.4.98", &["countryCode3c", "c3"]),
    ("2.5.4.99", &["countryCode3n", "n3"]),
    ("2.5.4.100", &["dnsName"]),
    ("2.5.29.37.0", &["Any Extended Key Usage", "anyExtendedKeyUsage"]),
    ("2.16.840.1.113730.4.1", &["Netscape Server Gated Crypto", "nsSGC"]),
];

/// The identifier of a name, or of dotted numbers.
///
/// # Errors
/// The collection's message for a name that is not known.
pub fn of_name(name: &str) -> Result<ObjectIdentifier, String> {
    let found = NAMES.iter().find(|(_, names)| names.contains(&name)).map(|(oid, _)| *oid);
    let dotted = match (found, name) {
        (Some(oid), _) => oid,
        (None, "userID") => "0.9.2342.19200300.100.1.1",
        (None, name) => name,
    };
    ObjectIdentifier::new(dotted).map_err(|_| format!("Cannot find OID for \"{name}\""))
}

fn names(oid: &ObjectIdentifier) -> Option<&'static [&'static str]> {
    let dotted = oid.to_string();
    NAMES.iter().find(|(known, _)| *known == dotted).map(|(_, names)| *names)
}

/// The long name, or the numbers.
pub fn long(oid: &ObjectIdentifier) -> String {
    names(oid).and_then(|n| n.first()).map_or_else(|| oid.to_string(), |n| (*n).to_owned())
}

/// The short name, or the numbers.
pub fn short(oid: &ObjectIdentifier) -> String {
    names(oid).and_then(|n| n.last()).map_or_else(|| oid.to_string(), |n| (*n).to_owned())
}
