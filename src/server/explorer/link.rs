//! The way from an answer of REST to the view of the explorer that shows what ran for it.

use http::{HeaderMap, HeaderValue, Method, Request, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::is_embedded;
use crate::server::Settings;
use crate::server::metrics::Route;

/// The longest path and query that a link repeats; of a longer one it has the path.
const LONGEST: usize = 2000;

/// What a fragment may not have as it is (RFC 3986, 3.5), and `%`, so that what was encoded stays so.
const FRAGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A `Link` to the view of a call (RFC 8288), for its answer.
#[derive(Debug)]
pub(in crate::server) struct Link(Option<HeaderValue>);

impl Link {
    /// The link for a call of REST where there is an explorer, and none for anything else.
    pub(in crate::server) fn of<B>(request: &Request<B>, route: &Route, settings: &Settings) -> Self {
        let is_rest = route.template().is_some_and(|template| template.starts_with("/api/"));
        if !(is_rest && settings.explore && is_embedded()) || request.method() == Method::OPTIONS {
            return Self(None);
        }
        let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
        let path = request.uri().path();
        let target = request.uri().path_and_query().map_or(path, |target| target.as_str());
        let target = if target.len() > LONGEST { path } else { target };
        let call = format!("{method} {target}");
        let link = format!("</graphiql#rest={}>; rel=\"describedby\"", utf8_percent_encode(&call, FRAGMENT));
        Self(HeaderValue::try_from(link).ok())
    }

    /// Adds it to the headers of the answer, beside the link to a next page.
    pub(in crate::server) fn add_to(self, headers: &mut HeaderMap) {
        if let Some(link) = self.0 {
            headers.append(header::LINK, link);
        }
    }
}
