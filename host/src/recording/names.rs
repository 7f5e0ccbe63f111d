//! How core functions are called in traces: built-ins as the specification writes them, other functions with their interface.

/// What built-ins are named after; of two with the same beginning the longer comes first.
const KINDS: [&str; 11] = [
    "waitable-set",
    "waitable",
    "task",
    "subtask",
    "stream",
    "future",
    "error-context",
    "context",
    "backpressure",
    "resource",
    "thread",
];

/// The name of what a core module imports as `field` of `module`.
pub(super) fn imported(module: &str, field: &str) -> String {
    let field = field.strip_prefix("[async-lower]").unwrap_or(field);
    if let Some(built_in) = built_in(field) {
        return built_in;
    }
    let module = module.strip_prefix("[export]").unwrap_or(module);
    match module {
        "$root" => format!("#{field}"),
        module => format!("{module}#{field}"),
    }
}

/// The name of what a core module exports as `field`.
pub(super) fn exported(field: &str) -> &str {
    let field = field.strip_prefix("[callback]").unwrap_or(field);
    let field = field.strip_prefix("[async-lift]").unwrap_or(field);
    field.strip_prefix("[async-lift-stackful]").unwrap_or(field)
}

/// `[stream-read-0]f` is `stream.read`.
fn built_in(field: &str) -> Option<String> {
    let (name, _) = field.strip_prefix('[')?.split_once(']')?;
    let name = name
        .trim_end_matches(|c: char| c.is_ascii_digit())
        .trim_end_matches('-');
    KINDS.iter().find_map(|kind| {
        let rest = name.strip_prefix(kind)?.strip_prefix('-')?;
        Some(format!("{kind}.{rest}"))
    })
}

#[cfg(test)]
mod tests {
    use super::{exported, imported};

    #[test]
    fn names_are_those_of_the_specification() {
        for (module, field, name) in [
            ("$root", "[waitable-set-new]", "waitable-set.new"),
            ("$root", "[context-get-0]", "context.get"),
            ("a:b/c", "[async-lower][stream-read-0]f", "stream.read"),
            ("[export]a:b/c", "[task-return]f", "task.return"),
            ("a:b/c", "[stream-drop-readable-12]f", "stream.drop-readable"),
            ("a:b/c", "[async-lower]f", "a:b/c#f"),
            ("a:b/c", "[method]r.f", "a:b/c#[method]r.f"),
            ("$root", "f", "#f"),
        ] {
            assert_eq!(imported(module, field), name);
        }
        assert_eq!(exported("[callback][async-lift]a:b/c#f"), "a:b/c#f");
        assert_eq!(exported("f"), "f");
    }
}
