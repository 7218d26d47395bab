//! The one TLS stack of every binary: rustls with ring.

/// Makes ring the process's cryptography; later calls change nothing.
pub fn install() {
    // An error only says that a provider is installed already, and this is the only place that installs one.
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
}
