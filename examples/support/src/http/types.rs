//! The types of `wasi:http/types` on the host's side.
#![expect(missing_docs, reason = "the WIT says what they are")]

use std::sync::Mutex;

use witflow_host::{ComponentType, FutureReader, Own, StreamReader};

/// Names and values.
pub type Entries = Vec<(String, Vec<u8>)>;

/// What a body ends with, on its way.
pub type End = FutureReader<Result<Option<Own<Fields>>, ErrorCode>>;

/// How a body was received, on its way.
pub type Received = FutureReader<Result<(), ErrorCode>>;

/// `method`
#[derive(ComponentType, Clone, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
    Other(String),
}

/// `scheme`
#[derive(ComponentType, Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    #[component(name = "HTTP")]
    Http,
    #[component(name = "HTTPS")]
    Https,
    Other(String),
}

/// `DNS-error-payload`
#[derive(ComponentType, Clone, Debug, PartialEq, Eq)]
pub struct DnsError {
    pub rcode: Option<String>,
    pub info_code: Option<u16>,
}

/// `TLS-alert-received-payload`
#[derive(ComponentType, Clone, Debug, PartialEq, Eq)]
pub struct TlsAlert {
    pub alert_id: Option<u8>,
    pub alert_message: Option<String>,
}

/// `field-size-payload`
#[derive(ComponentType, Clone, Debug, PartialEq, Eq)]
pub struct FieldSize {
    pub field_name: Option<String>,
    pub field_size: Option<u32>,
}

/// `error-code`
#[derive(ComponentType, Clone, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    #[component(name = "DNS-timeout")]
    DnsTimeout,
    #[component(name = "DNS-error")]
    DnsError(DnsError),
    DestinationNotFound,
    DestinationUnavailable,
    #[component(name = "destination-IP-prohibited")]
    DestinationIpProhibited,
    #[component(name = "destination-IP-unroutable")]
    DestinationIpUnroutable,
    ConnectionRefused,
    ConnectionTerminated,
    ConnectionTimeout,
    ConnectionReadTimeout,
    ConnectionWriteTimeout,
    ConnectionLimitReached,
    #[component(name = "TLS-protocol-error")]
    TlsProtocolError,
    #[component(name = "TLS-certificate-error")]
    TlsCertificateError,
    #[component(name = "TLS-alert-received")]
    TlsAlertReceived(TlsAlert),
    #[component(name = "HTTP-request-denied")]
    HttpRequestDenied,
    #[component(name = "HTTP-request-length-required")]
    HttpRequestLengthRequired,
    #[component(name = "HTTP-request-body-size")]
    HttpRequestBodySize(Option<u64>),
    #[component(name = "HTTP-request-method-invalid")]
    HttpRequestMethodInvalid,
    #[component(name = "HTTP-request-URI-invalid")]
    HttpRequestUriInvalid,
    #[component(name = "HTTP-request-URI-too-long")]
    HttpRequestUriTooLong,
    #[component(name = "HTTP-request-header-section-size")]
    HttpRequestHeaderSectionSize(Option<u32>),
    #[component(name = "HTTP-request-header-size")]
    HttpRequestHeaderSize(Option<FieldSize>),
    #[component(name = "HTTP-request-trailer-section-size")]
    HttpRequestTrailerSectionSize(Option<u32>),
    #[component(name = "HTTP-request-trailer-size")]
    HttpRequestTrailerSize(FieldSize),
    #[component(name = "HTTP-response-incomplete")]
    HttpResponseIncomplete,
    #[component(name = "HTTP-response-header-section-size")]
    HttpResponseHeaderSectionSize(Option<u32>),
    #[component(name = "HTTP-response-header-size")]
    HttpResponseHeaderSize(FieldSize),
    #[component(name = "HTTP-response-body-size")]
    HttpResponseBodySize(Option<u64>),
    #[component(name = "HTTP-response-trailer-section-size")]
    HttpResponseTrailerSectionSize(Option<u32>),
    #[component(name = "HTTP-response-trailer-size")]
    HttpResponseTrailerSize(FieldSize),
    #[component(name = "HTTP-response-transfer-coding")]
    HttpResponseTransferCoding(Option<String>),
    #[component(name = "HTTP-response-content-coding")]
    HttpResponseContentCoding(Option<String>),
    #[component(name = "HTTP-response-timeout")]
    HttpResponseTimeout,
    #[component(name = "HTTP-upgrade-failed")]
    HttpUpgradeFailed,
    #[component(name = "HTTP-protocol-error")]
    HttpProtocolError,
    LoopDetected,
    ConfigurationError,
    InternalError(Option<String>),
}

/// `header-error`
#[derive(ComponentType, Clone, Debug, PartialEq, Eq)]
pub enum HeaderError {
    InvalidSyntax,
    Forbidden,
    Immutable,
    SizeExceeded,
    Other(Option<String>),
}

/// `request-options-error`
#[derive(ComponentType, Clone, Debug, PartialEq, Eq)]
pub enum OptionsError {
    NotSupported,
    Immutable,
    Other(Option<String>),
}

/// `fields`: names in lower case, in the order in which they came.
#[derive(Default)]
pub struct Fields {
    pub(super) entries: Mutex<Entries>,
    /// Those of a request or response that exists cannot be changed.
    pub(super) fixed: bool,
}

/// `request-options`: only the one that examples set.
#[derive(Default)]
pub struct RequestOptions {
    pub(super) connect_timeout: Mutex<Option<u64>>,
}

/// A body on its way.
pub struct Body {
    pub bytes: Option<StreamReader<u8>>,
    pub end: End,
    /// How those who made the message learn how it was received.
    pub(super) received: witflow_host::FutureWriter<Result<(), ErrorCode>>,
}

/// `request`
pub struct Request {
    pub method: Mutex<Method>,
    pub path: Mutex<Option<String>>,
    pub scheme: Mutex<Option<Scheme>>,
    pub authority: Mutex<Option<String>>,
    pub(super) headers: Entries,
    pub(super) options: Option<Own<RequestOptions>>,
    pub(super) body: Body,
}

/// `response`
pub struct Response {
    pub(super) status: Mutex<u16>,
    pub(super) headers: Entries,
    pub(super) body: Body,
}

impl Request {
    /// How many nanoseconds connecting may take, if it says that.
    pub fn connect_timeout(&self) -> Option<u64> {
        *self.options.as_ref()?.connect_timeout.lock().unwrap()
    }
}

impl Fields {
    pub(super) fn fixed(entries: Entries) -> Self {
        Self {
            entries: Mutex::new(entries),
            fixed: true,
        }
    }

    /// What is in it.
    pub fn to_entries(&self) -> Entries {
        self.entries.lock().unwrap().clone()
    }
}
