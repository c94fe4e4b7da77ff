//! Files that pages load, and pages themselves: how they are sent.

use std::fmt::Display;

use aws_lc_rs::digest::{SHA256, digest};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::error::{Error, Result};

/// How long a browser may keep a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Keep {
    /// As long as it likes: another content has another name.
    Forever,
    /// Asked for again each time: another version of the service has other files at the same addresses.
    WhileUnchanged,
}

/// A file, and the headers it is sent with.
#[derive(Debug)]
pub(super) struct Asset {
    bytes: Bytes,
    headers: HeaderMap,
}

impl Asset {
    /// A file that may be gzipped already; then it is sent so to everybody.
    ///
    /// # Errors
    /// `Internal` when its type is none.
    pub(super) fn new(bytes: Bytes, content_type: &str, is_gzipped: bool, keep: Keep) -> Result<Self> {
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest(&SHA256, &bytes).as_ref()[..15]));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::try_from(content_type).map_err(Error::internal)?);
        headers.insert(header::ETAG, HeaderValue::try_from(tag).map_err(Error::internal)?);
        let keep = match keep {
            Keep::Forever => "public, max-age=31536000, immutable",
            Keep::WhileUnchanged => "public, no-cache",
        };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
        if is_gzipped {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(Self { bytes, headers })
    }

    /// The answer to a request with these headers.
    pub(super) fn answer(&self, request: &HeaderMap) -> Response {
        let known = request.get(header::IF_NONE_MATCH).zip(self.headers.get(header::ETAG));
        // A compressed answer has the same tag with a `W/` before it.
        if known.is_some_and(|(known, tag)| known.as_bytes().ends_with(tag.as_bytes())) {
            return (StatusCode::NOT_MODIFIED, self.headers.clone()).into_response();
        }
        (self.headers.clone(), self.bytes.clone()).into_response()
    }
}

/// A text as the value of an attribute in double quotes, and as content.
pub(super) fn escape(text: impl Display) -> String {
    text.to_string().replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

/// What stands in a page, as a source of its policy (CSP 3, 2.3.1).
pub(super) fn hash_source(content: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(digest(&SHA256, content.as_bytes())))
}
