//! [`EndKind`]: which end of what.

use super::waitable::EventCode;

/// What an end is the end of, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndKind {
    StreamReadable,
    StreamWritable,
    FutureReadable,
    FutureWritable,
}

impl EndKind {
    pub(crate) fn with_article(self) -> &'static str {
        match self {
            EndKind::StreamReadable => "the readable end of a stream",
            EndKind::StreamWritable => "the writable end of a stream",
            EndKind::FutureReadable => "the readable end of a future",
            EndKind::FutureWritable => "the writable end of a future",
        }
    }

    pub(crate) fn is_future(self) -> bool {
        matches!(self, EndKind::FutureReadable | EndKind::FutureWritable)
    }

    pub(crate) fn is_readable(self) -> bool {
        matches!(self, EndKind::StreamReadable | EndKind::FutureReadable)
    }

    pub(crate) fn event_code(self) -> EventCode {
        match self {
            EndKind::StreamReadable => EventCode::StreamRead,
            EndKind::StreamWritable => EventCode::StreamWrite,
            EndKind::FutureReadable => EventCode::FutureRead,
            EndKind::FutureWritable => EventCode::FutureWrite,
        }
    }
}
