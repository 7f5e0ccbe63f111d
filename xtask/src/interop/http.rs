//! As much of an HTTP client as the scenarios need: a request on a connection of its own, and the whole answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::lack::{Got, LIMIT, Lack};

/// What a server answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    trailers: Vec<(String, String)>,
}

impl Answer {
    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The value of a trailer.
    pub(super) fn trailer(&self, name: &str) -> Option<&str> {
        find(&self.trailers, name)
    }
}

fn find<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

/// Sends a request and takes the answer, which may begin before all of the request's body has gone.
pub(super) fn send(to: SocketAddr, request: &str, headers: &[(&str, &str)], body: &[u8]) -> Got<Answer> {
    let mut head = format!("{request} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\nte: trailers\r\n");
    head += &format!("content-length: {}\r\n", body.len());
    headers
        .iter()
        .for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
    head += "\r\n";
    let mut connection = TcpStream::connect(to).map_err(Lack::broken)?;
    connection.set_read_timeout(Some(LIMIT)).map_err(Lack::broken)?;
    let mut answer = Vec::new();
    std::thread::scope(|scope| {
        let mut sender = connection.try_clone()?;
        // What a server did not want is known by its answer.
        scope.spawn(move || sender.write_all(head.as_bytes()).and_then(|()| sender.write_all(body)));
        connection.read_to_end(&mut answer)
    })
    .map_err(|error| Lack::broken(format!("`{request}` was not answered: {error}")))?;
    parse(&answer).ok_or_else(|| {
        let begin = String::from_utf8_lossy(&answer[..answer.len().min(200)]).into_owned();
        let len = answer.len();
        Lack::broken(format!(
            "`{request}` has no complete answer, only {len} bytes: {begin:?}"
        ))
    })
}

/// Reads an answer; none if it is not complete.
fn parse(answer: &[u8]) -> Option<Answer> {
    let (head, mut rest) = split(answer, b"\r\n\r\n")?;
    let (first, head) = head.split_once("\r\n").unwrap_or((head, ""));
    let status = first.split(' ').nth(1)?.parse().ok()?;
    let headers = fields(head)?;
    let (mut body, mut trailers) = (Vec::new(), Vec::new());
    if find(&headers, "transfer-encoding") == Some("chunked") {
        loop {
            let (size, after) = split(rest, b"\r\n")?;
            rest = after;
            let size = usize::from_str_radix(size, 16).ok()?;
            if size == 0 {
                break;
            }
            body.extend(rest.get(..size)?);
            rest = rest.get(size..)?.strip_prefix(b"\r\n")?;
        }
        if rest != b"\r\n" {
            trailers = fields(split(rest, b"\r\n\r\n")?.0)?;
        }
    } else {
        body.extend(rest);
        let len = find(&headers, "content-length")?.parse::<usize>().ok()?;
        if body.len() != len {
            return None;
        }
    }
    Some(Answer {
        status,
        headers,
        body,
        trailers,
    })
}

/// What is before a mark, which is text, and what is after it.
fn split<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a str, &'a [u8])> {
    let at = bytes.windows(mark.len()).position(|window| window == mark)?;
    Some((std::str::from_utf8(&bytes[..at]).ok()?, &bytes[at + mark.len()..]))
}

/// Names, in small letters, and values.
fn fields(lines: &str) -> Option<Vec<(String, String)>> {
    let field = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    lines.split("\r\n").filter(|line| !line.is_empty()).map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn an_answer_in_chunks_has_trailers() {
        let text =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nSum: 5\r\n\r\n";
        let answer = parse(text.as_bytes()).unwrap();
        assert_eq!((answer.status, &*answer.body), (200, &b"abcde"[..]));
        assert_eq!((answer.header("a"), answer.trailer("sum")), (Some("b"), Some("5")));
        for len in 0..text.len() {
            assert!(parse(&text.as_bytes()[..len]).is_none(), "complete after {len} bytes");
        }
    }

    #[test]
    fn an_answer_is_as_long_as_it_says() {
        let answer =
            |len: &str| parse(format!("HTTP/1.1 404 Not Found\r\ncontent-length: {len}\r\n\r\nabc").as_bytes());
        assert_eq!(answer("3").map(|answer| answer.status), Some(404));
        assert!(answer("4").is_none() && answer("2").is_none() && answer("x").is_none());
    }
}
