//! Which route a request takes. Nothing here knows of streams.

use crate::wasi::http::types::Method;

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `GET /`
    Index,
    /// `GET /hello/NAME`
    Hello(String),
    /// `GET /bytes/LEN`
    Bytes(u64),
    /// `POST /echo`
    Echo,
    /// `POST /upper`
    Upper,
    /// `POST /count`
    Count,
    /// `POST /words`
    Words,
    /// `GET /fan-out?to=URL&to=URL&timeout=MS`
    FanOut { to: Vec<Url>, timeout: u64 },
    /// No route has this path.
    NotFound,
    /// The path is good, and these are its methods.
    WrongMethod(&'static str),
    /// What cannot be understood, and why.
    Bad(String),
}

/// What `GET /` says.
pub(crate) const INDEX: &str = "\
GET  /                              this text
GET  /hello/NAME                    a greeting as JSON
GET  /bytes/LEN                     as many bytes: 0, 1, 2 … 250, 0, 1 …
POST /echo                          the body and its trailers
POST /upper                         the body, the letters of ASCII in upper case
POST /count                         the length and the checksum (FNV-1a, 64 bits) of the body as JSON
POST /words                         takes JSON {\"text\": \"…\"}, gives JSON {\"words\": 1}
GET  /fan-out?to=URL&to=URL         asks all of them at once and gives their bodies one after the other;
              &timeout=MILLISECONDS trailers say how each went
";

/// The largest body that `GET /bytes/LEN` gives: a gibibyte.
const MOST_BYTES: u64 = 1 << 30;

/// How long an upstream may take for anything, unless the request says otherwise.
const TIMEOUT: u64 = 5000;

/// How many upstreams one request may ask.
const MOST_UPSTREAMS: usize = 16;

/// The address of an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) authority: String,
    pub(crate) path: String,
}

impl Route {
    /// Reads the method and the path with its query.
    pub(crate) fn of(method: &Method, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let (route, allowed) = match path {
            "/" => (Self::Index, "GET"),
            "/echo" => (Self::Echo, "POST"),
            "/upper" => (Self::Upper, "POST"),
            "/count" => (Self::Count, "POST"),
            "/words" => (Self::Words, "POST"),
            "/fan-out" => (fan_out(query).unwrap_or_else(Self::Bad), "GET"),
            _ => match (path.strip_prefix("/hello/"), path.strip_prefix("/bytes/")) {
                (Some(name), _) => (decode(name).map_or_else(Self::Bad, Self::Hello), "GET"),
                (_, Some(len)) => (bytes(len), "GET"),
                _ => return Self::NotFound,
            },
        };
        let fits = match method {
            Method::Get => allowed == "GET",
            Method::Post => allowed == "POST",
            _ => false,
        };
        if fits { route } else { Self::WrongMethod(allowed) }
    }
}

fn bytes(len: &str) -> Route {
    match len.parse() {
        Ok(len) if len <= MOST_BYTES => Route::Bytes(len),
        Ok(_) => Route::Bad(format!("no more than {MOST_BYTES} bytes can be had")),
        Err(_) => Route::Bad(format!("`{len}` is no number of bytes")),
    }
}

fn fan_out(query: &str) -> Result<Route, String> {
    let (mut to, mut timeout) = (Vec::new(), TIMEOUT);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(value)?;
        match key {
            "to" => to.push(Url::parse(&value)?),
            "timeout" => {
                timeout = value
                    .parse()
                    .map_err(|_| format!("`{value}` is no number of milliseconds"))?
            }
            _ => return Err(format!("`{key}` is not known here")),
        }
    }
    match to.len() {
        0 => Err("say whom to ask, by `to=URL`".to_owned()),
        n if n > MOST_UPSTREAMS => Err(format!("no more than {MOST_UPSTREAMS} can be asked at once")),
        _ => Ok(Route::FanOut { to, timeout }),
    }
}

impl Url {
    fn parse(text: &str) -> Result<Self, String> {
        let rest = text
            .strip_prefix("http://")
            .ok_or(format!("`{text}` does not begin with http://"))?;
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, "/"),
        };
        if authority.is_empty() {
            return Err(format!("`{text}` names no host"));
        }
        Ok(Self {
            authority: authority.to_owned(),
            path: path.to_owned(),
        })
    }
}

/// Takes back percent-encoding.
fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).unwrap_or_default();
                let byte = u8::from_str_radix(digits, 16);
                (byte.map_err(|_| format!("`%{digits}` encodes nothing"))?, after)
            }
            (b'%', _) => return Err("`%` is followed by two digits".to_owned()),
            (byte, after) => (*byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| format!("`{text}` is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: Method, path: &str, route: Route) {
        assert_eq!(Route::of(&method, path), route, "{path}");
    }

    fn url(authority: &str, path: &str) -> Url {
        Url {
            authority: authority.to_owned(),
            path: path.to_owned(),
        }
    }

    #[test]
    fn paths_and_methods() {
        check(Method::Get, "/", Route::Index);
        check(Method::Get, "/?x", Route::Index);
        check(Method::Post, "/echo", Route::Echo);
        check(Method::Get, "/echo", Route::WrongMethod("POST"));
        check(Method::Delete, "/hello/x", Route::WrongMethod("GET"));
        check(Method::Other("BREW".to_owned()), "/", Route::WrongMethod("GET"));
        check(Method::Get, "/hello/Zo%C3%AB%20A", Route::Hello("Zoë A".to_owned()));
        check(Method::Get, "/bytes/12", Route::Bytes(12));
        check(Method::Get, "/nowhere", Route::NotFound);
        check(Method::Get, "", Route::NotFound);
    }

    #[test]
    fn what_cannot_be_understood() {
        check(
            Method::Get,
            "/bytes/x",
            Route::Bad("`x` is no number of bytes".to_owned()),
        );
        check(
            Method::Get,
            "/hello/%4",
            Route::Bad("`%` is followed by two digits".to_owned()),
        );
        check(
            Method::Get,
            "/hello/%zz",
            Route::Bad("`%zz` encodes nothing".to_owned()),
        );
        check(Method::Get, "/hello/%ff", Route::Bad("`%ff` is not UTF-8".to_owned()));
        check(
            Method::Get,
            "/fan-out",
            Route::Bad("say whom to ask, by `to=URL`".to_owned()),
        );
        check(
            Method::Get,
            "/fan-out?from=a",
            Route::Bad("`from` is not known here".to_owned()),
        );
        check(
            Method::Get,
            "/fan-out?to=ftp://a",
            Route::Bad("`ftp://a` does not begin with http://".to_owned()),
        );
    }

    #[test]
    fn whom_to_ask() {
        let to = vec![url("a:80", "/"), url("b", "/x?y=1&z")];
        check(
            Method::Get,
            "/fan-out?to=http://a:80&to=http%3A%2F%2Fb%2Fx%3Fy=1%26z",
            Route::FanOut { to, timeout: TIMEOUT },
        );
        let to = vec![url("a", "/")];
        check(
            Method::Get,
            "/fan-out?timeout=20&to=http://a",
            Route::FanOut { to, timeout: 20 },
        );
    }
}
