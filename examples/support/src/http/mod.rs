//! A host of `wasi:http` for guests that run natively, and those who talk to them: clients, upstreams, and a clock that stands
//! still until it is moved.
//!
//! It says no more than the interface does: headers are checked for their syntax, a message's headers cannot be changed, and a
//! body ends with trailers or with a reason. What is left out is in `wasi:http` for other programs than the examples.

mod clock;
mod exchange;
mod types;

pub use clock::Clock;
pub use exchange::{Finish, Handler, Incoming, Message, Outgoing, handle, upstream};
pub use types::*;

use witflow_host::{Borrow, Linker, LinkerInstance, Own, Result, StreamReader, future};

use std::sync::Mutex;

type Headers = Borrow<Fields>;

/// Defines `wasi:http/types`.
///
/// # Errors
/// When it is defined already.
pub fn define(linker: &mut Linker) -> Result<()> {
    let mut types = linker.instance("wasi:http/types@0.3.2")?;
    fields(&mut types)?;
    options(&mut types)?;
    request(&mut types)?;
    request_line(&mut types)?;
    response(&mut types)
}

fn valid(name: &str, value: &[u8]) -> Result<(), HeaderError> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let text = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
    match !name.is_empty() && name.bytes().all(token) && value.iter().all(text) {
        true if name.eq_ignore_ascii_case("transfer-encoding") => Err(HeaderError::Forbidden),
        true => Ok(()),
        false => Err(HeaderError::InvalidSyntax),
    }
}

fn fields(types: &mut LinkerInstance<'_>) -> Result<()> {
    types.resource::<Fields>("fields")?;
    types.func_wrap("[constructor]fields", |_, ()| Ok((Own::new(Fields::default()),)))?;
    types.func_wrap("[static]fields.from-list", |_, (entries,): (Entries,)| {
        let invalid = entries.iter().find_map(|(name, value)| valid(name, value).err());
        let lower = |(name, value): (String, Vec<u8>)| (name.to_ascii_lowercase(), value);
        Ok((match invalid {
            Some(error) => Err(error),
            None => Ok(Own::new(Fields {
                entries: Mutex::new(entries.into_iter().map(lower).collect()),
                fixed: false,
            })),
        },))
    })?;
    types.func_wrap("[method]fields.get", |_, (fields, name): (Headers, String)| {
        let entries = fields.entries.lock().unwrap();
        let found = entries.iter().filter(|(key, _)| key.eq_ignore_ascii_case(&name));
        Ok((found.map(|(_, value)| value.clone()).collect::<Vec<_>>(),))
    })?;
    types.func_wrap("[method]fields.has", |_, (fields, name): (Headers, String)| {
        let entries = fields.entries.lock().unwrap();
        Ok((entries.iter().any(|(key, _)| key.eq_ignore_ascii_case(&name)),))
    })?;
    types.func_wrap(
        "[method]fields.set",
        |_, (fields, name, values): (Headers, String, Vec<Vec<u8>>)| {
            let set = |entries: &mut Entries| {
                entries.retain(|(key, _)| !key.eq_ignore_ascii_case(&name));
                entries.extend(values.iter().map(|value| (name.to_ascii_lowercase(), value.clone())));
            };
            let invalid = values.iter().find_map(|value| valid(&name, value).err());
            Ok((invalid.map_or_else(|| change(&fields, set), Err),))
        },
    )?;
    types.func_wrap("[method]fields.delete", |_, (fields, name): (Headers, String)| {
        Ok((change(&fields, |entries| {
            entries.retain(|(key, _)| !key.eq_ignore_ascii_case(&name));
        }),))
    })?;
    types.func_wrap(
        "[method]fields.append",
        |_, (fields, name, value): (Headers, String, Vec<u8>)| {
            let append = |entries: &mut Entries| entries.push((name.to_ascii_lowercase(), value.clone()));
            Ok((valid(&name, &value).and_then(|()| change(&fields, append)),))
        },
    )?;
    types.func_wrap("[method]fields.copy-all", |_, (fields,): (Headers,)| {
        Ok((fields.to_entries(),))
    })?;
    types.func_wrap("[method]fields.clone", |_, (fields,): (Headers,)| {
        Ok((Own::new(Fields {
            entries: Mutex::new(fields.to_entries()),
            fixed: false,
        }),))
    })?;
    Ok(())
}

fn change(fields: &Fields, change: impl FnOnce(&mut Entries)) -> Result<(), HeaderError> {
    if fields.fixed {
        return Err(HeaderError::Immutable);
    }
    change(&mut fields.entries.lock().unwrap());
    Ok(())
}

fn options(types: &mut LinkerInstance<'_>) -> Result<()> {
    types.resource::<RequestOptions>("request-options")?;
    types.func_wrap("[constructor]request-options", |_, ()| {
        Ok((Own::new(RequestOptions::default()),))
    })?;
    types.func_wrap(
        "[method]request-options.set-connect-timeout",
        |_, (options, timeout): (Borrow<RequestOptions>, Option<u64>)| -> Result<(Result<(), OptionsError>,)> {
            *options.connect_timeout.lock().unwrap() = timeout;
            Ok((Ok(()),))
        },
    )?;
    Ok(())
}

/// What makes a response.
type NewResponse = (Own<Fields>, Option<StreamReader<u8>>, End);

/// What makes a request.
type NewRequest = (Own<Fields>, Option<StreamReader<u8>>, End, Option<Own<RequestOptions>>);

fn request(types: &mut LinkerInstance<'_>) -> Result<()> {
    types.resource::<Request>("request")?;
    types.func_wrap(
        "[static]request.new",
        |_, (headers, bytes, end, options): NewRequest| {
            let (received, how) = future();
            let request = Request {
                method: Mutex::new(Method::Get),
                path: Mutex::default(),
                scheme: Mutex::default(),
                authority: Mutex::default(),
                headers: headers.to_entries(),
                options,
                body: Body { bytes, end, received },
            };
            Ok(((Own::new(request), how),))
        },
    )?;
    types.func_wrap("[method]request.get-headers", |_, (request,): (Borrow<Request>,)| {
        Ok((Own::new(Fields::fixed(request.headers.clone())),))
    })?;
    types.func_wrap(
        "[static]request.consume-body",
        |cx, (request, how): (Own<Request>, Received)| {
            let request = request
                .into_inner()
                .map_err(|_| witflow_host::Error::msg("the request is lent"))?;
            Ok((exchange::consume(&cx, request.body, how),))
        },
    )?;
    Ok(())
}

fn request_line(types: &mut LinkerInstance<'_>) -> Result<()> {
    macro_rules! property {
        ($get:literal, $set:literal, $field:ident, $ty:ty) => {
            types.func_wrap($get, |_, (request,): (Borrow<Request>,)| {
                Ok((request.$field.lock().unwrap().clone(),))
            })?;
            types.func_wrap(
                $set,
                |_, (request, value): (Borrow<Request>, $ty)| -> Result<(Result<(), ()>,)> {
                    *request.$field.lock().unwrap() = value;
                    Ok((Ok(()),))
                },
            )?;
        };
    }
    property!(
        "[method]request.get-method",
        "[method]request.set-method",
        method,
        Method
    );
    property!(
        "[method]request.get-scheme",
        "[method]request.set-scheme",
        scheme,
        Option<Scheme>
    );
    property!(
        "[method]request.get-path-with-query",
        "[method]request.set-path-with-query",
        path,
        Option<String>
    );
    types.func_wrap("[method]request.get-authority", |_, (request,): (Borrow<Request>,)| {
        Ok((request.authority.lock().unwrap().clone(),))
    })?;
    types.func_wrap(
        "[method]request.set-authority",
        |_, (request, authority): (Borrow<Request>, Option<String>)| -> Result<(Result<(), ()>,)> {
            if authority.iter().any(|text| text.contains([' ', '@', '/'])) {
                return Ok((Err(()),));
            }
            *request.authority.lock().unwrap() = authority;
            Ok((Ok(()),))
        },
    )?;
    Ok(())
}

fn response(types: &mut LinkerInstance<'_>) -> Result<()> {
    types.resource::<Response>("response")?;
    types.func_wrap("[static]response.new", |_, (headers, bytes, end): NewResponse| {
        let (received, how) = future();
        let response = Response {
            status: Mutex::new(200),
            headers: headers.to_entries(),
            body: Body { bytes, end, received },
        };
        Ok(((Own::new(response), how),))
    })?;
    types.func_wrap(
        "[method]response.get-status-code",
        |_, (response,): (Borrow<Response>,)| Ok((*response.status.lock().unwrap(),)),
    )?;
    types.func_wrap(
        "[method]response.set-status-code",
        |_, (response, status): (Borrow<Response>, u16)| -> Result<(Result<(), ()>,)> {
            if !(100..1000).contains(&status) {
                return Ok((Err(()),));
            }
            *response.status.lock().unwrap() = status;
            Ok((Ok(()),))
        },
    )?;
    types.func_wrap("[method]response.get-headers", |_, (response,): (Borrow<Response>,)| {
        Ok((Own::new(Fields::fixed(response.headers.clone())),))
    })?;
    types.func_wrap(
        "[static]response.consume-body",
        |cx, (response, how): (Own<Response>, Received)| {
            let response = response
                .into_inner()
                .map_err(|_| witflow_host::Error::msg("the response is lent"))?;
            Ok((exchange::consume(&cx, response.body, how),))
        },
    )?;
    Ok(())
}
