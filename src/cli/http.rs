//! The `url` lookup's requests: the same HTTP client that modules use on hosts.

use crate::template::UrlRequest;
use std::time::Duration;

/// The body of a URL.
///
/// # Errors
/// Why there is none.
pub fn body(request: &UrlRequest) -> Result<Vec<u8>, String> {
    let tls = ureq::tls::TlsConfig::builder()
        .disable_verification(!request.validate_certs)
        .root_certs(ureq::tls::RootCerts::PlatformVerifier)
        .build();
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs_f64(request.timeout_seconds.max(1.0))))
        .tls_config(tls)
        .user_agent(&request.http_agent)
        .build()
        .into();
    let method = request.method.as_deref().unwrap_or("GET");
    let mut builder = ureq::http::Request::builder().method(method).uri(&request.url);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    if let Some(user) = &request.username {
        use base64::Engine;
        let pair = format!("{user}:{}", request.password.as_deref().unwrap_or_default());
        let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
        builder = builder.header("Authorization", format!("Basic {encoded}"));
    }
    let built = builder.body(request.body.clone().unwrap_or_default()).map_err(|e| e.to_string())?;
    let mut response = agent.run(built).map_err(|e| e.to_string())?;
    response.body_mut().with_config().limit(u64::MAX).read_to_vec().map_err(|e| e.to_string())
}
