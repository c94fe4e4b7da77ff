//! Where the service listens, and whose pages may call it.

use std::net::SocketAddr;

use ::http::HeaderValue;
use url::Url;

use super::settings::{CORS_ORIGINS, LISTEN, TASKGATE_ADMIN_LISTEN};
use super::sources::Sources;

/// The socket and CORS.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// `LISTEN`.
    pub listen: SocketAddr,
    /// `TASKGATE_ADMIN_LISTEN`: where operators are answered, if anywhere.
    pub admin_listen: Option<SocketAddr>,
    /// `CORS_ORIGINS`, each as browsers send it.
    pub cors_origins: Vec<HeaderValue>,
}

impl HttpConfig {
    /// Reads and checks `LISTEN`, `TASKGATE_ADMIN_LISTEN` and `CORS_ORIGINS`.
    ///
    /// # Errors
    /// A sentence that names the first wrong setting and says what to write.
    pub fn resolve(sources: &Sources) -> Result<Self, String> {
        Ok(Self {
            listen: listen(sources)?,
            admin_listen: admin_listen(sources)?,
            cors_origins: cors_origins(sources)?,
        })
    }
}

fn listen(sources: &Sources) -> Result<SocketAddr, String> {
    let advice = "write an IP address and a port, such as 127.0.0.1:8000, 0.0.0.0:8000 or [::1]:8000";
    sources.value(&LISTEN).and_then(|text| text.parse().ok()).ok_or_else(|| sources.refuse(&LISTEN, advice))
}

fn admin_listen(sources: &Sources) -> Result<Option<SocketAddr>, String> {
    let text = sources.value(&TASKGATE_ADMIN_LISTEN).filter(|text| !text.eq_ignore_ascii_case("off"));
    let advice = "write an IP address and a port that only operators reach, such as 127.0.0.1:9000, or off";
    text.map(str::parse).transpose().map_err(|_| sources.refuse(&TASKGATE_ADMIN_LISTEN, advice))
}

fn cors_origins(sources: &Sources) -> Result<Vec<HeaderValue>, String> {
    let mut origins = Vec::new();
    for text in sources.value(&CORS_ORIGINS).unwrap_or_default().split(',').map(str::trim).filter(|o| !o.is_empty()) {
        let origin = origin(text).map_err(|advice| sources.refuse(&CORS_ORIGINS, advice))?;
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    Ok(origins)
}

/// The origin as a browser sends it: lower case, without the scheme's own port.
fn origin(text: &str) -> Result<HeaderValue, &'static str> {
    if text == "*" {
        return Err("* would let every page on the web call with the user's credentials; name the origins of your \
                    front ends");
    }
    let advice = "an origin is scheme://host[:port] with no slash or path after it, such as https://app.example";
    let (_, rest) = text.split_once("://").ok_or(advice)?;
    if rest.contains(['/', '?', '#', '@', '\\', '*']) {
        return Err(advice);
    }
    let url = Url::parse(text).map_err(|_| advice)?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(advice)?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    HeaderValue::try_from(format!("{}://{host}{port}", url.scheme())).map_err(|_| advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(variable: &str, value: &str) -> Result<HttpConfig, String> {
        HttpConfig::resolve(&Sources::new([], [(variable, value)], []))
    }

    #[test]
    fn origins_are_kept_as_browsers_send_them() {
        for (text, origins) in [
            ("https://app.example", vec!["https://app.example"]),
            (" http://localhost:3000 ,https://a.example,", vec!["http://localhost:3000", "https://a.example"]),
            ("HTTPS://App.Example:443,https://app.example", vec!["https://app.example"]),
            ("http://[::1]:5173,http://bücher.example", vec!["http://[::1]:5173", "http://xn--bcher-kva.example"]),
            ("tauri://localhost", vec!["tauri://localhost"]),
        ] {
            assert_eq!(resolve("CORS_ORIGINS", text).unwrap().cors_origins, origins, "{text}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "*",
            "null",
            "localhost:3000",
            "app.example",
            "https://app.example/",
            "https://app.example/path",
            "https://app.example?x",
            "https://app.example#x",
            "https://u:p@app.example",
            "https://",
            "https://app.example:port",
            "https://*.app.example",
            "https://a b",
            "file:///tmp",
            "https://good.example,*",
        ] {
            let sentence = resolve("CORS_ORIGINS", text).unwrap_err();
            assert!(sentence.starts_with("CORS_ORIGINS: ") && sentence.contains("origin"), "{text}: {sentence}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["localhost:8000", ":8000", "8000", "127.0.0.1", "127.0.0.1:65536", "::1:8000", "*:8000"] {
            let sentence = resolve("LISTEN", text).unwrap_err();
            assert!(sentence.starts_with("LISTEN: ") && sentence.contains("127.0.0.1:8000"), "{text}: {sentence}");
        }
        assert_eq!(resolve("LISTEN", "[::1]:0").unwrap().listen.to_string(), "[::1]:0");
    }
}
