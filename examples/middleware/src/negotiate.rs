//! Whether a response is compressed, as HTTP has it (RFC 9110). Nothing here knows of streams.

/// Names, in whatever case, and values.
pub(crate) type Entries = Vec<(String, Vec<u8>)>;

/// What is done with a response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Nothing.
    Untouched,
    /// Its headers say that it could have been compressed, so that a cache does not give it to everybody.
    Described,
    /// It is compressed, and its headers say so.
    Compressed,
}

/// Headers of a response.
#[derive(Debug)]
pub(crate) struct Headers(pub(crate) Entries);

impl Headers {
    fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key.eq_ignore_ascii_case(name))
    }

    fn remove(&mut self, name: &str) {
        self.0.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
    }

    fn add(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.into()));
    }
}

/// Decides, and changes the headers accordingly.
pub(crate) fn plan(has_body: bool, accepted: bool, status: u16, headers: &mut Headers) -> Plan {
    // Those without a body, and a part of a body, which is a part of it as it was.
    let fitting = has_body && !matches!(status, 100..=199 | 204 | 206 | 304);
    let fixed = headers
        .get("cache-control")
        .is_some_and(|value| value.contains("no-transform"));
    if !fitting || fixed || headers.has("content-encoding") || !is_text(headers.get("content-type")) {
        return Plan::Untouched;
    }
    headers.add("vary", "accept-encoding");
    if !accepted {
        return Plan::Described;
    }
    headers.remove("content-length");
    headers.remove("accept-ranges");
    headers.add("content-encoding", "gzip");
    // The bytes are others, what they mean is the same: a strong validator becomes a weak one.
    if let Some(tag) = headers.get("etag").filter(|tag| !tag.starts_with("W/")) {
        let weak = format!("W/{tag}");
        headers.remove("etag");
        headers.add("etag", &weak);
    }
    Plan::Compressed
}

/// Whether compressing a type is worth it. Images and the like are compressed already.
fn is_text(content_type: Option<&str>) -> bool {
    let Some(content_type) = content_type else {
        return false;
    };
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let (kind, of) = essence.split_once('/').unwrap_or((&essence, ""));
    let known = ["json", "javascript", "xml", "wasm", "octet-stream"];
    kind == "text" || of.ends_with("+json") || of.ends_with("+xml") || (kind == "application" && known.contains(&of))
}

/// Whether a client takes gzip, which it says in `accept-encoding`.
pub(crate) fn accepts_gzip(headers: &Entries) -> bool {
    let values = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("accept-encoding"));
    let values: Vec<_> = values.map(|(_, value)| String::from_utf8_lossy(value)).collect();
    let (mut named, mut others) = (None, None);
    for item in values.iter().flat_map(|value| value.split(',')) {
        let mut parts = item.split(';').map(str::trim);
        let coding = parts.next().unwrap_or_default().to_ascii_lowercase();
        let refused = parts.any(|parameter| {
            let weight = parameter.strip_prefix("q=").or(parameter.strip_prefix("Q="));
            weight.is_some_and(|weight| weight.parse().is_ok_and(|weight: f32| weight == 0.0))
        });
        match coding.as_str() {
            "gzip" | "x-gzip" => named = Some(!refused),
            "*" => others = Some(!refused),
            _ => {}
        }
    }
    named.or(others).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(entries: &[(&str, &str)]) -> Entries {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).into());
        entries.iter().map(owned).collect()
    }

    #[test]
    fn clients_say_what_they_take() {
        for (value, taken) in [
            ("gzip", true),
            ("GZip", true),
            ("br, gzip;q=0.5", true),
            ("br", false),
            ("", false),
            ("gzip;q=0", false),
            ("gzip; q=0.000, *", false),
            ("*", true),
            ("*;q=0, gzip", true),
            ("identity;q=1, *;q=0", false),
        ] {
            assert_eq!(accepts_gzip(&entries(&[("Accept-Encoding", value)])), taken, "{value}");
        }
        assert!(!accepts_gzip(&entries(&[("accept", "gzip")])));
        assert!(accepts_gzip(&entries(&[
            ("accept-encoding", "br"),
            ("accept-encoding", "gzip")
        ])));
    }

    #[track_caller]
    fn check(accepted: bool, status: u16, before: &[(&str, &str)], plan: Plan, after: &[(&str, &str)]) {
        let mut headers = Headers(entries(before));
        assert_eq!(super::plan(true, accepted, status, &mut headers), plan);
        assert_eq!(headers.0, entries(after));
    }

    #[test]
    fn what_is_worth_it_is_compressed() {
        check(
            true,
            200,
            &[
                ("content-length", "9"),
                ("content-type", "text/html; charset=utf-8"),
                ("etag", "\"1\""),
            ],
            Plan::Compressed,
            &[
                ("content-type", "text/html; charset=utf-8"),
                ("vary", "accept-encoding"),
                ("content-encoding", "gzip"),
                ("etag", "W/\"1\""),
            ],
        );
        let json = [("content-type", "application/problem+json")];
        let described = [json[0], ("vary", "accept-encoding")];
        check(false, 404, &json, Plan::Described, &described);
    }

    #[test]
    fn some_responses_are_left_alone() {
        let text = ("content-type", "text/plain");
        for before in [
            &[][..],
            &[("content-type", "image/png")],
            &[("content-type", "application/x-unknown")],
            &[text, ("content-encoding", "br")],
            &[text, ("cache-control", "public, no-transform")],
        ] {
            check(true, 200, before, Plan::Untouched, before);
        }
        for status in [204, 206, 304] {
            check(true, status, &[text], Plan::Untouched, &[text]);
        }
        let mut headers = Headers(entries(&[text]));
        assert_eq!(super::plan(false, true, 200, &mut headers), Plan::Untouched);
    }
}
