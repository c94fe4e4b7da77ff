//! Bodies that tell when they are done with.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;

use super::activity::{Activity, Open};

/// The body of a request. Dropped before its end, it leaves something unread.
#[derive(Debug)]
pub(super) struct Upload {
    body: Incoming,
    activity: Activity,
    has_ended: bool,
}

impl Upload {
    pub(super) fn new(body: Incoming, activity: Activity) -> Self {
        let has_ended = body.is_end_stream();
        Self { body, activity, has_ended }
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.has_ended = !matches!(frame, Some(Ok(_))) || self.body.is_end_stream();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.has_ended {
            self.activity.left_unread();
        }
    }
}

/// The body of an answer. The request is open until the connection has all of it, or gives it up.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Body,
    pub(super) _open: Open,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
